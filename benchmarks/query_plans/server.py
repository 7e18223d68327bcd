"""A PostgreSQL of its own that logs the plan of every statement."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import postgres
from local.servers.postgres import DATABASE, Postgres

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


class PlanServer:
    """The running server."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self.database_url = server.database_url

    @contextmanager
    def administrator(self) -> Iterator[Any]:
        """Connect to the service's database as the administrator, without logging plans.

        A statement may take long: some fill the tables.
        """
        with closing(self._server.connect_as_administrator(DATABASE, None)) as connection:
            connection.run("SET auto_explain.log_min_duration = -1")
            yield connection

    def configure(self) -> None:
        """Change the settings, and restart the server, which they need."""
        settings = {**_LOG, "max_wal_size": "8GB", "autovacuum": "off"}
        with closing(self._server.connect_as_administrator()) as connection:
            for name, value in settings.items():
                connection.run(f"ALTER SYSTEM SET {name} = '{value}'")
            for name, value in _PLANS.items():
                connection.run(f"ALTER DATABASE {DATABASE} SET {name} = '{value}'")
        self._server.restart()


@contextmanager
def running(folder: Path) -> Iterator[PlanServer]:
    """Run a server with an empty database in ``folder``; plans are logged for new connections."""
    with postgres.running(folder) as running_server:
        server = PlanServer(running_server)
        server.configure()
        yield server
