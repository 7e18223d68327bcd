"""Each server is available again after a stop or a crash, with the data that it keeps."""

import contextlib
import os
import signal
import socket
import uuid
from typing import Any

import pg8000.native
import pytest
import redis
from botocore.exceptions import ClientError
from kafka import KafkaAdminClient, KafkaProducer

from local.ports import free_ports
from local.servers.redis import Redis
from local.servers.server import Server
from local.stack import TOPICS, Stack
from tests.support.stored_redis import COPIES_AT_ONCE
from tests.support.waiting import eventually


@pytest.mark.parametrize("name", ["redis", "kafka", "user_service"])
def test_comes_back_on_its_port(stack: Stack, name: str) -> None:
    """A test can stop a dependency and start it again at the same address."""
    server: Server = getattr(stack, name)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
    assert not server.crashed

    server.start()

    socket.create_connection(("127.0.0.1", server.port), timeout=1).close()


def test_topics_are_back_after_a_restart(stack: Stack) -> None:
    """The broker loses all messages on a restart, but always has the service's topics."""
    stack.kafka.restart()
    client = KafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap_servers)
    with contextlib.closing(client):
        assert set(TOPICS) <= set(client.list_topics())


def test_topics_that_a_client_has_made(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that requests a topic while the broker starts does not prevent its start."""
    bootstrap_servers = stack.kafka.bootstrap_servers
    list_topics = KafkaAdminClient.list_topics

    def list_and_let_a_client_ask(client: KafkaAdminClient) -> list[str]:
        listed: list[str] = list_topics(client)
        with contextlib.closing(KafkaProducer(bootstrap_servers=bootstrap_servers)) as producer:
            assert producer.partitions_for(TOPICS[0])
        return listed

    with monkeypatch.context() as patches:
        patches.setattr(KafkaAdminClient, "list_topics", list_and_let_a_client_ask)
        stack.kafka.restart()

    with contextlib.closing(KafkaAdminClient(bootstrap_servers=bootstrap_servers)) as client:
        assert set(TOPICS) <= set(client.list_topics())
    stack.kafka.restart()


def test_rows_survive_a_killed_server(stack: Stack) -> None:
    """Data committed in PostgreSQL are there after SIGKILL, whatever files remain."""
    value = uuid.uuid4()
    with contextlib.closing(database_of(stack)) as database:
        database.run("CREATE TABLE kept AS SELECT CAST(:value AS uuid) AS value", value=value)
    stack.postgres.kill()

    stack.postgres.start()

    with contextlib.closing(database_of(stack)) as database:
        assert [[value]] == database.run("SELECT value FROM kept")


def test_objects_survive_a_killed_server(stack: Stack) -> None:
    """Objects accepted by the bucket are there after SIGKILL."""
    client = stack.s3.admin_client
    client.put_object(Bucket=stack.s3.bucket, Key="playback/3/kept", Body=b"kept")
    stack.s3.kill()

    stack.s3.start()

    def kept() -> bytes | None:
        # Not all volumes are available when the first can be read.
        with contextlib.suppress(ClientError):
            body: bytes = client.get_object(Bucket=stack.s3.bucket, Key="playback/3/kept")[
                "Body"
            ].read()
            return body
        return None

    assert eventually(kept) == b"kept"


def test_a_copy_of_redis_is_not_kept(stack: Stack) -> None:
    """A replica stores its copy nowhere: it is empty after a restart, as every local Redis."""
    ports = free_ports(2)
    primary, replica = (Redis(port, stack.state) for port in ports)
    primary.more_options = COPIES_AT_ONCE
    with contextlib.ExitStack() as opened:
        for server in (primary, replica):
            opened.callback(server.stop)
            server.start()
        clients = [redis.Redis(port=port, decode_responses=True) for port in ports]
        for client in clients:
            opened.callback(client.close)
        written, copied = clients
        written.set("film", "copied")
        copied.replicaof("127.0.0.1", str(ports[0]))
        eventually(lambda: copied.get("film") == "copied")

        replica.stop()
        replica.start()

        assert copied.dbsize() == 0
        assert not list(stack.state.folder.rglob("*.rdb"))


def test_crash_is_noticed(stack: Stack) -> None:
    """A server that ended unexpectedly counts as crashed, and can be started again."""
    assert stack.redis.pid
    os.kill(stack.redis.pid, signal.SIGKILL)
    eventually(lambda: stack.redis.crashed)

    stack.redis.start()

    assert stack.redis.running
    assert not stack.redis.crashed


def database_of(stack: Stack) -> Any:
    """Connect to the stack's database."""
    return pg8000.native.Connection(
        "streaming_service",
        host="127.0.0.1",
        port=stack.ports.postgres_port,
        database="streaming_db",
        password=stack.state.credentials.postgres_password,
    )
