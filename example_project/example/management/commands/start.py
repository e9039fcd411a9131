"""Prepare the example and serve it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_oauth_server.protocol.uris import is_loopback

EVERYWHERE = {"", "0.0.0.0", "[::]"}


class Command(BaseCommand):
    """One command from nothing to a server that two workers run."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port (default: %(default)s)")
        parser.add_argument("--asgi", action="store_true", help="serve ASGI, which the MCP endpoint needs")
        parser.add_argument("--workers", default="2", help="processes (default: %(default)s)")

    def handle(self, *args: object, bind: str, asgi: bool, workers: str, **options: Any) -> None:
        host, port = _parsed(bind)
        issuer = os.environ.get("OAUTH_ISSUER") or _issuer_at(host, port)
        if issuer != settings.ISSUER:
            # Links, metadata and tokens say where it is served, and the settings have been read: begin anew.
            os.environ["OAUTH_ISSUER"] = issuer
            os.execv(sys.executable, [sys.executable, *sys.argv])
        _check_free(host, port)
        call_command("prepare", stdout=self.stdout)
        self.stdout.flush()
        here = Path(__file__).resolve().parents[3]
        served = ["example.asgi", "--worker-class", "asgi"] if asgi else ["example.wsgi", "--threads", "4"]
        gunicorn = ["-m", "gunicorn", *served, "--chdir", str(here), "--bind", bind, "--workers", workers]
        quietly = ["--log-level", "warning", "--no-control-socket"]
        os.execv(
            sys.executable,
            [sys.executable, *gunicorn, "--limit-request-line", "8190", *quietly],
        )


def _parsed(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    if not port.isdigit():
        raise CommandError(f"--bind {bind} has no port. Write for example --bind 127.0.0.1:9000.")
    return host, int(port)


def _issuer_at(host: str, port: int) -> str:
    issuer = f"http://{'127.0.0.1' if host in EVERYWHERE else host}:{port}"
    if not is_loopback(issuer):
        raise CommandError(f"{host} is not this device. Set OAUTH_ISSUER to the https address of the proxy before it.")
    return issuer


def _check_free(host: str, port: int) -> None:
    bare = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((bare, port))
        except OSError as exc:
            raise CommandError(
                f"Nothing can be served at {host}:{port}: {exc.strerror}. Choose another port, for example --bind 127.0.0.1:9000."
            ) from exc
