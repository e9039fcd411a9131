"""A Galera cluster of three nodes, as Debian's packages have it, on this machine."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.clusters.processes import as_user, belongs_to, is_gone, need, run, send, until
from tests.e2e.conftest import free_port

PROVIDER = "/usr/lib/galera/libgalera_smm.so"
_PATIENCE = (
    "evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;evs.install_timeout=PT4S;"
    "evs.inactive_check_period=PT0.5S;repl.causal_read_timeout=PT3S;pc.recovery=false"
)
"""How soon a node that says nothing is left out: the default is five seconds and more."""


class Node:
    """One mariadbd with its own folder and ports."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder / name, name
        self.port, self.group, self.transfer = free_port(), free_port(), free_port()
        self.folder.mkdir()
        self.folder.chmod(0o755)
        belongs_to("mysql", self.folder)
        install = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
        run([*install, *self._user, f"--datadir={self.folder}/data"], self.folder / "log")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.group}"

    @property
    def _user(self) -> list[str]:
        return ["--user=mysql"] if as_user("mysql") else []

    def start(self, peers: list[Node]) -> None:
        """Join *peers*; found a cluster where there are none."""
        options = {
            "datadir": f"{self.folder}/data",
            "bind-address": "127.0.0.1",
            "port": self.port,
            "socket": f"{self.folder}/socket",
            "pid-file": f"{self.folder}/pid",
            "character-set-server": "utf8mb4",
            "max-connections": 200,
            "innodb-flush-log-at-trx-commit": 0,
            "innodb-autoinc-lock-mode": 2,
            "innodb-lock-wait-timeout": 3,
            "binlog-format": "ROW",
            "wsrep-on": "ON",
            "wsrep-provider": PROVIDER,
            "wsrep-cluster-address": "gcomm://" + ",".join(peer.address for peer in peers),
            "wsrep-cluster-name": "oauth",
            "wsrep-node-name": self.name,
            "wsrep-node-address": "127.0.0.1",
            "wsrep-sst-method": "rsync",
            "wsrep-sst-receive-address": f"127.0.0.1:{self.transfer}",
            "wsrep-slave-threads": 4,
            "wsrep-provider-options": f"base_port={self.group};gmcast.listen_addr=tcp://{self.address};"
            f"ist.recv_addr=127.0.0.1:{free_port()};{_PATIENCE}",
        }
        command = ["mariadbd", "--no-defaults", *self._user, *(f"--{name}={value}" for name, value in options.items())]
        with (self.folder / "log").open("a") as sink:
            self.process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd="/", start_new_session=True)
        until(self.is_ready, f"{self.name} joins ({self.folder}/log)", 120)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()[-5000:]
        return self.status("wsrep_ready") == "ON" and self.status("wsrep_local_state_comment") == "Synced"

    def status(self, name: str) -> str:
        return self.sql(f"SHOW STATUS LIKE '{name}'").rpartition("\t")[2].strip()

    def sql(self, statement: str) -> str:
        """What the server tells root; nothing where it does not answer."""
        client = ["mariadb", "--no-defaults", "-u", "root", f"--socket={self.folder}/socket", "-N", "-B"]
        told = subprocess.run([*client, "-e", statement], capture_output=True, text=True, check=False, timeout=60)
        return told.stdout

    def kill(self) -> None:
        """As when its machine loses power."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        send([self.process.pid], signal.SIGSTOP)

    def thaw(self) -> None:
        send([self.process.pid], signal.SIGCONT)

    def stop(self) -> None:
        """As an operator restarts it."""
        self.process.terminate()
        self.process.wait(60)


class Galera:
    """Three of them, with a database `oauth` and a user of that name."""

    def __init__(self, folder: Path) -> None:
        need("mariadbd", "mariadb-install-db", "wsrep_sst_rsync", "rsync", PROVIDER)
        folder.chmod(0o755)
        self.nodes = [Node(folder, name) for name in ("one", "two", "three")]

    def start(self) -> None:
        for number, node in enumerate(self.nodes):
            node.start(self.nodes[:number])
        self.nodes[0].sql(
            "CREATE DATABASE oauth CHARACTER SET utf8mb4; CREATE USER oauth@'127.0.0.1' IDENTIFIED BY 'oauth';"
            "GRANT ALL ON oauth.* TO oauth@'127.0.0.1'"
        )
        self.until_whole()

    def rejoin(self, node: Node) -> None:
        """It takes what it missed from one of the others."""
        node.start([one for one in self.nodes if one is not node])

    def until_whole(self) -> None:
        until(lambda: all(node.status("wsrep_cluster_size") == "3" for node in self.nodes), "three nodes")
        until(lambda: all(node.is_ready() for node in self.nodes), "three nodes that answer")

    def stop(self) -> None:
        for node in reversed(self.nodes):
            if hasattr(node, "process") and not is_gone(node.process.pid):
                node.thaw()
                node.kill()
