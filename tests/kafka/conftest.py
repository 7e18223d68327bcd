"""Apache Kafka for the whole run, and the environment that points to it."""

import os
import shutil
from collections.abc import Iterator

import pytest

from local.stack import TOPICS, Stack
from tests.support.functions import forget_environment
from tests.support.kafka_cluster import JARS, KafkaCluster
from tests.support.tls import Authority


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The other servers, without the gateway, whose schedule relays to another Kafka."""
    with Stack.temporary(tmp_path_factory.mktemp("stack"), gateway=False) as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that issued the brokers' certificates."""
    return Authority(tmp_path_factory.mktemp("authority"), "kafka")


@pytest.fixture(scope="session")
def running_cluster(stack: Stack, authority: Authority) -> Iterator[KafkaCluster]:
    """Three brokers for all tests."""
    if not JARS.is_dir() or shutil.which("java") is None:
        reason = "Apache Kafka needs Java 17 and its jars: make test-kafka"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with KafkaCluster(stack.state, authority, TOPICS).running() as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: KafkaCluster) -> Iterator[KafkaCluster]:
    """The brokers, all running before and after each test."""
    yield running_cluster
    running_cluster.restore()


@pytest.fixture
def environment(
    environment: dict[str, str], cluster: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """An execution environment whose Kafka is Apache Kafka."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    forget_environment()
    return {**environment, "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers}
