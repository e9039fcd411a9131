"""A client's web server on a real port, over TLS, which counts who comes and plays every trick."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.waiting import HELD

Answer = tuple[int, Mapping[str, str], bytes]


def write_certificate(path: Path, *hosts: str) -> Path:
    """A self-signed certificate for *hosts* and its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0])])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


class WebServer:
    """Answers what `pages[path]` has, or what it makes. Knows who connected, to which of its addresses, and what they asked."""

    def __init__(
        self,
        certificate: Path | None,
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        versions: ssl.TLSVersion | None = None,
    ) -> None:
        self.pages: dict[str, Answer | Callable[[], Answer]] = {}
        self.calls: Counter[str] = Counter()
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Method, and headers by name in lower case."""
        self.forms: list[dict[str, str]] = []
        self.connected: list[str] = []
        """To which of its addresses somebody connected, once for each connection."""
        self.released = Event()
        self.released.set()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                owner.forms.append({name: values[0] for name, values in parse_qs(body).items()})
                self._answer()

            def _answer(self) -> None:
                path = self.path.partition("?")[0]
                owner.calls[path] += 1
                owner.asked.append((self.command, {name.lower(): value for name, value in self.headers.items()}))
                owner.released.wait(HELD)
                found = owner.pages.get(path, (404, {}, b"not here"))
                status, headers, body = found() if callable(found) else found
                with suppress(OSError):
                    self._write(status, headers, body)
                self.close_connection = True

            def _write(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                if "X-Drip-Headers" in headers:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                    self._drip(b"x" * 1000)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    if value:
                        self.send_header(name, value)
                self.end_headers()
                (self._drip if "X-Drip" in headers else self.wfile.write)(body)

            def _drip(self, body: bytes) -> None:
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)

            def log_message(self, format: str, *args: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

            def finish_request(self, request: object, client_address: object) -> None:
                owner.connected.append(request.getsockname()[0])
                if trust:
                    request.settimeout(HELD)
                    request = trust.wrap_socket(request, server_side=True)
                super().finish_request(request, client_address)

            def handle_error(self, request: object, client_address: object) -> None: ...

        trust = None
        if certificate:
            trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trust.load_cert_chain(certificate)
            if versions:
                trust.minimum_version = trust.maximum_version = versions
                trust.set_ciphers("ALL:@SECLEVEL=0")
        self._scheme = "https" if certificate else "http"
        self._server = Server((address, port), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def as_json(document: object, **headers: str) -> Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return 200, {"Content-Type": "application/json", **told}, json.dumps(document).encode()


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
