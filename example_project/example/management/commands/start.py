"""Prepare the example and serve it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """One command from nothing to a server that two workers run."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port (default: %(default)s)")
        parser.add_argument("--workers", default="2", help="processes (default: %(default)s)")

    def handle(self, *args: object, bind: str, workers: str, **options: Any) -> None:
        call_command("prepare", stdout=self.stdout)
        self.stdout.flush()
        here = Path(__file__).resolve().parents[3]
        gunicorn = ["-m", "gunicorn", "example.wsgi", "--chdir", str(here), "--bind", bind, "--workers", workers]
        quietly = ["--log-level", "warning", "--no-control-socket"]
        os.execv(
            sys.executable,
            [sys.executable, *gunicorn, "--threads", "4", "--limit-request-line", "8190", *quietly],
        )
