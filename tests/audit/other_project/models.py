"""A project that is as unlike the test project as Django allows."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


class Member(AbstractBaseUser):
    """Somebody who chose their own primary key; there is no username, no email and no is_active column."""

    nickname = models.CharField(primary_key=True, max_length=150)

    USERNAME_FIELD = "nickname"
