"""Delivery by Django's tasks framework (Django 6.0). Imported where the setting `logout_delivery` asks for it."""

from __future__ import annotations

from django.tasks import task  # type: ignore[import-not-found,unused-ignore]
from django.utils import timezone

from django_oauth_server.logout.delivery import deliver_due
from django_oauth_server.storage.logout_deliveries import next_due


@task()  # type: ignore[untyped-decorator,unused-ignore]
def deliver_logouts() -> int:
    """Deliver what is due; come again for what has to be tried again, where the backend can wait."""
    made = deliver_due()
    due = next_due(timezone.now())
    if due is not None and deliver_logouts.get_backend().supports_defer:
        deliver_logouts.using(run_after=due).enqueue()
    return made
