"""The whole local stack as one object, for `python -m local` and for the tests."""

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from local import demo, demo_film, film_upload
from local.credentials import Credentials
from local.environment import BUCKET, TOPIC_PREFIX, function_environment
from local.errors import LocalError
from local.files import write_privately
from local.ports import Ports
from local.process_group import ProcessGroup
from local.servers.kafka import Kafka
from local.servers.postgres import Postgres
from local.servers.python_service import ROOT, PythonService
from local.servers.redis import Redis
from local.servers.s3 import S3
from local.servers.server import Server, last_line
from local.servers.wheels import check_platform

FILMS = ROOT / ".local" / "films"
TOPICS = tuple(f"{TOPIC_PREFIX}.{action}" for action in ("start", "progress", "stop"))

Report = Callable[[str, float], None]


def silent(step: str, seconds: float) -> None:
    """Report nothing."""


class Stack:
    """Hold every server of the product; as a context manager, start on entry and stop on exit.

    Parameters
    ----------
    state
        Folder for data, secrets and logs. Two stacks never share one.
    ports
        Where the servers listen.
    gateway, films
        Whether to run the API, and to put the demo films into the bucket.
    report
        Told of each finished step and its duration in seconds.
    """

    def __init__(
        self,
        state: Path,
        ports: Ports,
        *,
        gateway: bool = True,
        films: bool = True,
        report: Report = silent,
    ) -> None:
        self.state = state
        self.ports = ports
        self._films = films
        self._report = report
        self._lock = -1
        self._group = ProcessGroup(state / "servers.lock")
        self._document_path = state / "stack.json"
        self._make_folders()
        self._credentials = Credentials.of(state / "secrets.json")
        self.environment = function_environment(ports, self._credentials)
        self._create_servers()
        self.servers: tuple[Server, ...] = (
            *(self.s3, self.kafka, self.redis, self.postgres, self.user_service),
            *([self.gateway] if gateway else []),
        )

    @classmethod
    def temporary(cls, state: Path, *, gateway: bool = True, films: bool = True) -> "Stack":
        """Return a stack on free ports, for tests beside whatever else runs on this machine."""
        return cls(state, Ports.free(), gateway=gateway, films=films)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Bring everything up, then say where it is in stack.json."""
        check_platform()
        self._hold_lock()
        self._document_path.unlink(missing_ok=True)
        with self._step("Processes of a former run are gone"):
            self._group.open()
        self._refuse_taken_ports()
        films_missing = self._films and not demo_film.are_made(FILMS)
        film_maker = self._make_films() if films_missing else None
        self._write_inputs()
        first = [self.s3, self.kafka, self.redis, self.postgres, self.user_service]
        with self._step("Servers launched"):
            for server in first:
                server.launch()
        for server in first:
            with self._step(f"{server.title} answers on {server.port}"):
                server.await_ready()
        with self._step("Database migrated"):
            self._migrate()
        if self.gateway in self.servers:
            with self._step(f"{self.gateway.title} answers on {self.gateway.port}"):
                self.gateway.start()
        if film_maker is not None:
            with self._step("Demo films made"):
                if film_maker.wait() != 0:
                    raise LocalError(f"no demo films: {last_line(self._log('films'))}")
        if self._films:
            with self._step("Demo films in the bucket"):
                client = self.s3.admin_client()
                film_upload.upload_missing(FILMS, client=client, bucket=BUCKET)
        write_privately(self._document_path, json.dumps(self.document, indent=2) + "\n")

    def stop(self) -> None:
        """End everything in order: first what asks, then what answers."""
        self._document_path.unlink(missing_ok=True) if self._lock >= 0 else None
        for service in (self.gateway, self.user_service):
            service.ask_to_stop()
        self.gateway.stop()
        for server in self.servers:
            server.ask_to_stop()
        for server in self.servers:
            server.stop()
        self._group.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def api_url(self) -> str:
        """The base URL of the API and the player page."""
        return f"http://127.0.0.1:{self.ports.api_port}"

    @property
    def document(self) -> dict[str, str]:
        """What stack.json says."""
        return {
            "API_URL": self.api_url,
            "DEMO_MOVIE_ID": demo.DEMO_MOVIE_ID,
            "DEMO_USER_ID": demo.DEMO_USER_ID,
            "DEMO_TOKEN": self.token(),
            **self.environment,
        }

    def token(self, user_id: str = demo.DEMO_USER_ID, **claims: Any) -> str:
        """Sign a token that the stack accepts."""
        return demo.token_for(user_id, self._credentials.jwt_secret_key, **claims)

    def _create_servers(self) -> None:
        logs = self.state / "logs"
        group, credentials, ports = self._group, self._credentials, self.ports
        self.s3 = S3(
            port=ports.s3_port,
            bucket=BUCKET,
            credentials=credentials,
            folder=self.state / "s3",
            group=group,
            logs=logs,
        )
        self.kafka = Kafka(port=ports.kafka_port, topics=TOPICS, group=group, logs=logs)
        self.redis = Redis(port=ports.redis_port, group=group, logs=logs)
        self.postgres = Postgres(
            port=ports.postgres_port,
            credentials=credentials,
            folder=self.state / "postgres",
            group=group,
            logs=logs,
        )
        subscriptions = str(self.state / "subscriptions.json")
        self.user_service = PythonService(
            "user_service",
            module="local.user_service",
            arguments=["--port", str(ports.user_service_port), "--subscriptions", subscriptions],
            environment={"JWT_SECRET_KEY": credentials.jwt_secret_key},
            port=ports.user_service_port,
            group=group,
            logs=logs,
        )
        self.gateway = PythonService(
            "gateway",
            module="local.gateway",
            arguments=[
                *("--port", str(ports.api_port), "--template", str(ROOT / "template.yaml")),
                *("--environment", str(self.state / "environment.json")),
                *("--demo", str(self.state / "demo.json")),
            ],
            environment={},
            port=ports.api_port,
            group=group,
            logs=logs,
        )

    def _make_folders(self) -> None:
        (self.state / "logs").mkdir(parents=True, exist_ok=True)
        # Whatever the folder is called, git leaves it alone.
        (self.state / ".gitignore").write_text("*\n")

    def _hold_lock(self) -> None:
        self._lock = os.open(self.state / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._lock, 20).decode() or "?"
            os.close(self._lock)
            self._lock = -1
            raise LocalError(
                f"the stack of {self.state} is already running (process {owner}); stop it first, "
                "or set LOCAL_STATE_DIR and other ports for a second one"
            ) from None
        os.truncate(self._lock, 0)
        os.write(self._lock, str(os.getpid()).encode())

    def _refuse_taken_ports(self) -> None:
        taken = self.ports.taken()
        if taken:
            raise LocalError("; ".join(taken))

    def _write_inputs(self) -> None:
        demo.subscribe(self.state / "subscriptions.json")
        write_privately(self.state / "environment.json", json.dumps(self.environment, indent=2))
        document = demo.player_document(self.token())
        write_privately(self.state / "demo.json", json.dumps(document, indent=2))

    def _make_films(self) -> Any:
        with self._log("films").open("wb") as log:
            command = [sys.executable, "-m", "local.demo_film", str(FILMS)]
            return self._group.spawn(command, log=log, cwd=ROOT)

    def _migrate(self) -> None:
        from streaming import migrations
        from streaming.database import Database
        from streaming.settings import DatabaseSettings

        database = Database(DatabaseSettings(self.postgres.database_url))
        migrations.apply(database, ROOT / "migrations")

    def _log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._report(name, time.monotonic() - started)
