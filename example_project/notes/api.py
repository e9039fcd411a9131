"""Steps (E) and (F): the protected resource."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from django_oauth_server.resource.drf import BearerAuthentication, narrowed, requires, requires_by_action
from django_oauth_server.resource.token import VerifiedToken
from notes.models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "text", "created_at"]
        read_only_fields = ["created_at"]


def own_notes(notes: QuerySet[Note], token: VerifiedToken) -> QuerySet[Note]:
    """Those of the person who gave the token."""
    return notes.filter(user=token.user)


class NoteViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Note],
):
    """A person's own notes. The token says whose, and what may be done."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [
        requires(caller="person", audience=settings.ISSUER),
        requires_by_action("notes:write", list="notes:read", retrieve="notes:read"),
    ]
    filter_backends = [narrowed(own_notes)]
    queryset = Note.objects.all()
    serializer_class = NoteSerializer

    def perform_create(self, serializer: serializers.BaseSerializer[Note]) -> None:
        serializer.save(user=self.request.user)
