"""The local stack as one object, for `python -m local` and for the tests."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from local import demo, demo_film, film_upload
from local.disk import require_room
from local.environment import BUCKET, TOPIC_PREFIX, function_environment
from local.errors import LocalError
from local.files import write_privately
from local.own_servers import (
    OwnS3,
    OwnServers,
    create_topics,
    require_redis,
    require_user_service,
)
from local.ports import Ports
from local.servers.kafka import Kafka
from local.servers.postgres import Postgres
from local.servers.python_service import ROOT, gateway_service, user_service
from local.servers.redis import Redis
from local.servers.s3 import S3
from local.servers.server import Server, last_line
from local.servers.wheels import check_platform
from local.state import State

FILMS = ROOT / ".local" / "films"
TOPICS = (
    *(f"{TOPIC_PREFIX}.{action}" for action in ("start", "progress", "stop")),
    "subscription.changed",
)

NONE = OwnServers({})

Report = Callable[[str, float], None]


def silent(step: str, seconds: float) -> None:
    """Report nothing."""


class Stack:
    """All servers of the product; as a context manager it starts on entry and stops on exit.

    Each server has `start`, `stop`, `kill` and `restart`, and keeps its port.

    Args:
        folder: The folder of data, secrets and logs; one running stack per folder.
        ports: The ports of the servers.
        gateway: Whether to run the API.
        films: Whether to upload the demo films to the bucket.
        own: The developer's own servers, which are used instead of embedded ones.
        report: Called with each finished step and its duration in seconds.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        gateway: bool = True,
        films: bool = True,
        own: OwnServers = NONE,
        report: Report = silent,
    ) -> None:
        self.ports = ports
        self.state = state = State(folder)
        self.own = own
        self.environment = {
            **function_environment(ports, state.credentials),
            **own.all_variables(),
        }
        self.s3 = (
            OwnS3(own.variables["s3"], state, bucket=BUCKET)
            if "s3" in own
            else S3(ports.s3_port, state, bucket=BUCKET)
        )
        self.kafka = Kafka(ports.kafka_port, state, topics=TOPICS)
        self.redis = Redis(ports.redis_port, state)
        self.postgres = Postgres(ports.postgres_port, state)
        self.user_service = user_service(ports.user_service_port, state)
        self.gateway = gateway_service(ports.api_port, state)
        self._with_gateway = gateway
        self._with_films = films
        self._report = report

    @classmethod
    def temporary(
        cls, folder: Path, *, gateway: bool = True, films: bool = True, own: OwnServers = NONE
    ) -> "Stack":
        """Return a stack on free ports, for tests on a machine where another stack may run."""
        return cls(folder, Ports.free(), gateway=gateway, films=films, own=own)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers of this stack, in the order in which they stop."""
        embedded = (self.user_service, self.s3, self.kafka, self.redis, self.postgres)
        servers = tuple(each for each in embedded if each.name not in self.own)
        return (self.gateway, *servers) if self._with_gateway else servers

    def start(self) -> None:
        """Start everything, then write the addresses to stack.json.

        Raises `LocalError` if a server cannot start or the folder or a port is in use.
        """
        check_platform()
        require_room(self.state.folder)
        self.state.acquire()
        self.state.group.open()
        self.ports.claim(but=self.own.variables)
        film_maker = self._start_film_maker()
        self._write_inputs()
        others = [server for server in self.servers if server not in (self.gateway, self.postgres)]
        # They start in parallel while the next lines wait for one after the other.
        for server in others:
            server.launch()
        with self._step(f"PostgreSQL on {self._place(self.postgres)}, migrated"):
            if "postgres" not in self.own:
                self.postgres.start()
            self._migrate()
        self._prepare_own()
        if self._with_gateway:
            self.gateway.launch()
        for server in others:
            self._await(server)
        if self._with_films:
            self._bring_films(film_maker)
        if self._with_gateway:
            self._await(self.gateway)
        self.state.publish(self.document)

    def stop(self) -> None:
        """Stop everything in order: first the gateway, then the servers that it uses."""
        try:
            self.gateway.stop()
            for server in self.servers:
                server.ask_to_stop()
            for server in self.servers:
                server.stop()
        finally:
            self.state.group.close()
            self.state.release()

    @property
    def api_url(self) -> str:
        """The base URL of the API and the player page."""
        return self.gateway.url

    @property
    def document(self) -> dict[str, str]:
        """The content of stack.json."""
        return {
            "API_URL": self.api_url,
            "DEMO_MOVIE_ID": demo.DEMO_MOVIE_ID,
            "DEMO_USER_ID": demo.DEMO_USER_ID,
            "DEMO_TOKEN": self.token(),
            **self.environment,
        }

    def token(self, user_id: str = demo.DEMO_USER_ID, **claims: Any) -> str:
        """Sign a token that the stack accepts."""
        return demo.token_for(user_id, self.environment["JWT_SECRET_KEY"], **claims)

    def _place(self, server: Server) -> str:
        return self.own.address(server.name) if server.name in self.own else str(server.port)

    def _prepare_own(self) -> None:
        """Create what the developer's own servers lack. Raises `LocalError` if one fails."""
        own = self.own.variables
        for server in own:
            with self._step(f"Your own {server.replace('_', ' ')}: {self.own.address(server)}"):
                if server == "s3":
                    self.s3.prepare()
                elif server == "redis":
                    require_redis(own[server])
                elif server == "kafka":
                    create_topics(own[server], TOPICS)
                elif server == "user_service":
                    require_user_service(own[server]["USER_SERVICE_URL"])

    def _await(self, server: Server) -> None:
        with self._step(f"{server.title} on {server.port}"):
            server.await_ready()

    def _write_inputs(self) -> None:
        demo.subscribe(self.state.subscriptions)
        write_privately(self.state.environment, json.dumps(self.environment, indent=2))
        # The bucket keeps published films from run to run, so the list keeps them too.
        published = demo.published_films(self.state.demo)
        document = demo.demo_document(self.token(), published, self.token(role="admin"))
        write_privately(self.state.demo, json.dumps(document, indent=2))

    def _start_film_maker(self) -> "subprocess.Popen[bytes] | None":
        if not self._with_films or demo_film.are_made(FILMS):
            return None
        command = [sys.executable, "-m", "local.demo_film", str(FILMS)]
        with (self.state.logs / "films.log").open("wb") as log:
            return self.state.group.spawn(command, log=log, cwd=ROOT)

    def _bring_films(self, maker: "subprocess.Popen[bytes] | None") -> None:
        if maker is not None:
            self._report("ffmpeg generates the demo films, once for this checkout ...", 0)
            with self._step("Demo films generated"):
                if maker.wait() != 0:
                    log = self.state.logs / "films.log"
                    raise LocalError(f"no demo films: {last_line(log)} ({log})")
        with self._step("Demo films in the bucket"):
            client = self.s3.admin_client
            film_upload.upload_missing(FILMS, client=client, bucket=self.s3.bucket)
            film_upload.await_readable(client=client, bucket=self.s3.bucket)

    def _migrate(self) -> None:
        # Imported here, because tests may start servers without the layer on the path.
        from streaming.config.database import DatabaseSettings
        from streaming.domain.errors import StreamingError
        from streaming.repository import migrations
        from streaming.repository.database import Database

        database = Database(DatabaseSettings(self.environment["DATABASE_URL"]))
        try:
            migrations.apply(database, ROOT / "migrations")
        except StreamingError as error:
            raise LocalError(f"the database cannot be migrated: {error.detail}") from error
        finally:
            database.close()

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._report(name, time.monotonic() - started)
