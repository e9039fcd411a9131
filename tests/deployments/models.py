"""People whose primary key is not a number."""

from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.db import models


class Member(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid4)

    class Meta:
        app_label = "deployments"
