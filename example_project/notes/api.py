"""Steps (E) and (F): the protected resource."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import BasePermission, IsAuthenticated

from django_oauth_server.resource.drf import BearerAuthentication, requires
from notes.models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "text", "created_at"]
        read_only_fields = ["created_at"]


class NoteViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Note],
):
    """A person's own notes. The token says whose, and what may be done."""

    authentication_classes = [BearerAuthentication]
    serializer_class = NoteSerializer

    def get_permissions(self) -> list[BasePermission]:
        scope = "notes:read" if self.action in {"list", "retrieve"} else "notes:write"
        return [(requires(scope) & IsAuthenticated)()]

    def get_queryset(self) -> QuerySet[Note]:
        return Note.objects.filter(user=self.request.user)

    def perform_create(self, serializer: serializers.BaseSerializer[Note]) -> None:
        serializer.save(user=self.request.user)
