"""PgBouncer in transaction mode in front of the stack's PostgreSQL, as RDS Proxy is in AWS."""

import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.servers.postgres import NOBODY, Postgres
from local.servers.server import Server
from local.state import State

# Debian installs it in a folder that only root's PATH contains.
_PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"


def pgbouncer_program() -> str:
    """Return the path of Debian's pgbouncer; if there is none, skip the test, or fail it in CI."""
    program = shutil.which("pgbouncer", path=_PATH)
    if program is None:
        reason = "there is no PgBouncer (on Debian: apt install pgbouncer)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return program


class PgBouncer(Server):
    """Run one pooler; ``settings`` are added to its configuration."""

    name = "pgbouncer"
    title = "PgBouncer"
    stop_signal = signal.SIGTERM

    def __init__(self, port: int, state: State, postgres: Postgres, **settings: object) -> None:
        super().__init__(port, state)
        self._folder = state.folder / "pgbouncer"
        self._postgres = postgres
        self._settings = settings
        self._program = pgbouncer_program()

    @property
    def database_url(self) -> str:
        """The URL of the service's database, through the pooler."""
        address = urlsplit(self._postgres.database_url)
        user = address.netloc.rpartition("@")[0]
        return address._replace(netloc=f"{user}@127.0.0.1:{self.port}").geturl()

    def launch(self) -> None:
        """Write the configuration and start the program, which refuses to run as root."""
        self._folder.mkdir(mode=0o755, exist_ok=True)
        user = urlsplit(self._postgres.database_url)
        users = self._write("users.txt", f'"{user.username}" "{user.password}"\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": users,
            "pool_mode": "transaction",
            **self._settings,
        }
        lines = [
            "[databases]",
            f"* = host=127.0.0.1 port={self._postgres.port}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in settings.items()),
        ]
        configuration = self._write("pgbouncer.ini", "\n".join(lines) + "\n")
        self._spawn([self._program, str(configuration)], user=NOBODY if os.geteuid() == 0 else 0)

    def check(self) -> None:
        """Return whether it listens; it logs in to PostgreSQL only for the first client."""
        socket.create_connection(("127.0.0.1", self.port), timeout=1).close()

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        return path
