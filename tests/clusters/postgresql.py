"""PostgreSQL alone, with a synchronous standby, and behind pgbouncer."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.clusters.processes import as_user, belongs_to, children_of, is_gone, need, run, send, until
from tests.e2e.conftest import free_port


class PostgreSQL:
    """A cluster of its own, which can be made to disappear."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", within: list[str] | None = None) -> None:
        """*within*: how a command begins that runs where *host* is an address."""
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not binaries:
            pytest.skip("PostgreSQL is not installed")
        self.folder, self.bin, self.host, self.port = folder, binaries[-1], host, free_port()
        self._within = within or []
        self.folder.mkdir(exist_ok=True)
        belongs_to("postgres", folder)

    def make(self) -> None:
        self._run("initdb", "-D", f"{self.folder}/data", "-A", "trust", "-U", "oauth", "-E", "UTF8", "--locale=C.UTF-8")
        with (self.folder / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")

    @property
    def url(self) -> str:
        return f"postgres://oauth@{self.host}:{self.port}/postgres"

    def start(self, **options: str) -> None:
        fixed = {"listen_addresses": self.host, "unix_socket_directories": "", "max_connections": "100"}
        given = " ".join(f"-c {name}='{value}'" for name, value in (fixed | options).items())
        log, options_ = f"{self.folder}/log", f"-p {self.port} {given}"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", log, "-o", options_, "start")

    def kill(self) -> None:
        """As when the machine loses its power: nothing is said to anybody."""
        first = self._processes()[0]
        send([first], signal.SIGSTOP)  # so that none is born who outlives it, and holds its memory
        everybody = self._processes()
        send(everybody, signal.SIGKILL)
        until(lambda: all(map(is_gone, everybody)), "PostgreSQL is gone")
        (self.folder / "data/postmaster.pid").unlink()

    def stop(self) -> None:
        """As an operator restarts it: those who are connected are told."""
        if self._processes():
            self._run("pg_ctl", "-D", f"{self.folder}/data", "-m", "fast", "-w", "stop")

    def freeze(self) -> None:
        send(self._processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        send(self._processes(), signal.SIGCONT)

    def sql(self, statement: str) -> str:
        psql = [*self._within, str(self.bin / "psql"), "-h", self.host, "-p", str(self.port), "-U", "oauth", "postgres"]
        told = subprocess.run([*psql, "-Atc", statement], capture_output=True, text=True, check=False, timeout=60)
        return told.stdout.strip()

    def _processes(self) -> list[int]:
        try:
            first = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        except FileNotFoundError:
            return []
        return [first, *children_of(first)]

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._within, *as_user("postgres"), str(self.bin / program), *arguments]
        run(command, self.folder / "output")


class Standby(PostgreSQL):
    """A copy that a primary waits for, and that can take its place."""

    def follow(self, primary: PostgreSQL) -> None:
        """Copy *primary* anew, whatever was here, and have it wait for this one from now on."""
        run(["rm", "-rf", f"{self.folder}/data"], self.folder / "output")
        source = f"host={primary.host} port={primary.port} user=oauth application_name=standby"
        self._run("pg_basebackup", "-D", f"{self.folder}/data", "-d", source, "-R", "-X", "stream", "-c", "fast")
        self.start(hot_standby="on")
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        primary.sql("SELECT pg_reload_conf()")
        until(lambda: self.is_waited_for_by(primary), "the standby is synchronous")

    def is_waited_for_by(self, primary: PostgreSQL) -> bool:
        return primary.sql("SELECT sync_state FROM pg_stat_replication") == "sync"

    def promote(self) -> None:
        """What the former primary waited for, nobody waits for here: it has no standby yet."""
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "promote")
        self.sql("ALTER SYSTEM RESET synchronous_standby_names")
        self.sql("SELECT pg_reload_conf()")


class PgBouncer:
    """In transaction mode, before one PostgreSQL."""

    def __init__(self, folder: Path, database: PostgreSQL, **more: object) -> None:
        need("pgbouncer")
        self.folder, self.port = folder, free_port()
        folder.mkdir(exist_ok=True)
        belongs_to("postgres", folder)
        settings: dict[str, object] = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": 8,
            "max_client_conn": 400,
            "server_connect_timeout": 3,
            "server_login_retry": 1,
            "query_wait_timeout": 3,
            "query_timeout": 5,
            "logfile": folder / "log",
            "pidfile": folder / "pid",
            **more,
        }
        lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
        target = f"host={database.host} port={database.port} dbname=postgres user=oauth"
        (folder / "pgbouncer.ini").write_text(f"[databases]\npostgres = {target}\n[pgbouncer]\n{lines}\n")
        (folder / "pgbouncer.ini").chmod(0o644)

    def start(self) -> None:
        with (self.folder / "output").open("a") as sink:
            command = [*as_user("postgres"), "pgbouncer", str(self.folder / "pgbouncer.ini")]
            self._process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd="/", start_new_session=True)
        until((self.folder / "pid").exists, "pgbouncer starts")

    def kill(self) -> None:
        pid = int((self.folder / "pid").read_text())
        send([pid], signal.SIGKILL)
        until(lambda: is_gone(pid), "pgbouncer is gone")
        self._process.wait()
        (self.folder / "pid").unlink()


class Elsewhere:
    """An address that is on another machine, as far as packets go: a network namespace whose cable can be pulled out."""

    def __init__(self) -> None:
        if os.getuid() != 0 or not self._ip("netns", "add", self.name):
            pytest.skip("no network namespaces here")
        number = os.getpid() % 200 + 20
        self.here, self.there = f"10.213.{number}.1", f"10.213.{number}.2"
        self._ip("link", "add", self.name, "type", "veth", "peer", "name", "far", "netns", self.name)
        self._ip("addr", "add", f"{self.here}/30", "dev", self.name)
        self._ip("link", "set", self.name, "up")
        self._ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", "far")
        self._ip("-n", self.name, "link", "set", "far", "up")
        self._ip("-n", self.name, "link", "set", "lo", "up")

    name = f"away{os.getpid()}"

    @property
    def within(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def pull_the_cable(self) -> None:
        """Packets go, and nothing comes back: not even that nobody is there."""
        self._ip("-n", self.name, "route", "add", "blackhole", f"{self.here}/32")

    def put_it_back(self) -> None:
        self._ip("-n", self.name, "route", "del", "blackhole", f"{self.here}/32")

    def remove(self) -> None:
        self._ip("link", "del", self.name)
        self._ip("netns", "del", self.name)

    @staticmethod
    def _ip(*arguments: str) -> bool:
        return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0
