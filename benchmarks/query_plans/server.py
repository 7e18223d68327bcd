"""A PostgreSQL of its own that logs the plan of every statement."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pg8000.native

from local.ports import Ports
from local.servers.postgres import DATABASE, Postgres
from local.state import State

# https://www.postgresql.org/docs/current/auto-explain.html
_PLANS: Mapping[str, str] = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_parameter_max_length": "0",
}
_LOG: Mapping[str, str] = {
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_rotation_size": "0",
}


@dataclass(frozen=True, slots=True)
class PlanServer:
    """The running server."""

    port: int
    database_url: str
    password: str

    @contextmanager
    def administrator(self) -> Iterator[pg8000.native.Connection]:
        """Connect to the service's database as the administrator, without logging plans."""
        with closing(self._connect(DATABASE)) as connection:
            connection.run("SET auto_explain.log_min_duration = -1")
            yield connection

    def configure(self, shared_buffers: str) -> None:
        """Change the settings, which need a restart."""
        settings = {
            **_LOG,
            "shared_buffers": shared_buffers,
            "max_wal_size": "8GB",
            "autovacuum": "off",
        }
        with closing(self._connect("postgres")) as connection:
            for name, value in settings.items():
                connection.run(f"ALTER SYSTEM SET {name} = '{value}'")
            for name, value in _PLANS.items():
                connection.run(f"ALTER DATABASE {DATABASE} SET {name} = '{value}'")

    def _connect(self, database: str) -> pg8000.native.Connection:
        return pg8000.native.Connection(
            "postgres",
            host="127.0.0.1",
            port=self.port,
            database=database,
            password=self.password,
        )


@contextmanager
def running(folder: Path, *, shared_buffers: str) -> Iterator[PlanServer]:
    """Run a server with an empty database in ``folder``; plans are logged for new connections."""
    state = State(folder)
    postgres = Postgres(Ports.free().postgres_port, state)
    server = PlanServer(
        postgres.port, postgres.database_url, state.credentials.postgres_admin_password
    )
    state.acquire()
    state.group.open()
    try:
        postgres.start()
        server.configure(shared_buffers)
        postgres.restart()
        yield server
    finally:
        postgres.stop()
        state.group.close()
        state.release()
