"""Three brokers of Apache Kafka in KRaft mode, each of which is also a voter for the controller."""

import secrets
import shutil
import signal
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from local.ports import free_ports
from local.servers.kafka import API_VERSIONS
from local.servers.server import NotReadyError, Server, await_condition
from local.state import State
from tests.support.functions import ROOT
from tests.support.tls import Authority

JARS = ROOT / "tests" / "kafka" / "jars"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
USER = "streaming"
PARTITIONS = 6
# The lifetime of a login, short so that tests need no restart of brokers for a new one.
REAUTHENTICATION_SECONDS = 3

# Small heaps and only the first compiler, because three brokers and the tests share a laptop.
_JVM = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_LOGGING = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
# On a busy machine, for three brokers after a crash.
_READY_SECONDS = 120.0
_STOP_SECONDS = 60.0


class Broker(Server):
    """Run one broker; its storage persists after it ends."""

    title = "Apache Kafka"
    stop_signal = signal.SIGTERM

    def __init__(self, node: int, port: int, state: State, settings: Mapping[str, object]) -> None:
        self.name = f"apache-kafka-{node}"
        super().__init__(port, state)
        self.node = node
        self._folder = state.folder / self.name
        self._properties = self._folder / "server.properties"
        self._settings = {"node.id": node, "log.dirs": self._folder / "data", **settings}

    def format(self, password: str) -> "Any":
        """Start formatting the storage, with the login of the service in its first records."""
        self._folder.mkdir()
        lines = [f"{name}={value}" for name, value in self._settings.items()]
        self._properties.write_text("\n".join(lines) + "\n")
        login = f"SCRAM-SHA-512=[name={USER},password={password}]"
        arguments = ["--cluster-id", CLUSTER_ID, "--config", str(self._properties)]
        command = _java("kafka.tools.StorageTool", "format", *arguments, "--add-scram", login)
        with self.log.open("ab") as log:
            return self._group.spawn(command, log=log)

    def launch(self) -> None:
        """Start the broker."""
        self._spawn(_java("kafka.Kafka", str(self._properties)))

    def await_ready(self) -> None:
        """Wait until the broker responds."""
        await_condition(self.check, failed=self._end, what=self.name, seconds=_READY_SECONDS)

    def check(self) -> None:
        """Request the API versions of the broker."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(API_VERSIONS)
            answer = connection.recv(4)
        if len(answer) < 4 or struct.unpack(">i", answer)[0] < 6:
            raise NotReadyError("the broker closed the connection")

    def stop(self) -> None:
        """Shut down in order, which first transfers leadership of the partitions."""
        self.ask_to_stop()
        if self._process is not None:
            self._process.wait(_STOP_SECONDS)


class KafkaCluster:
    """Three brokers and the topics of the service, with three replicas and two acknowledgements.

    Clients without a login use ``bootstrap_servers``; with TLS and SCRAM, ``secure_servers``.
    """

    def __init__(self, state: State, authority: Authority, topics: Sequence[str]) -> None:
        self.password = secrets.token_urlsafe(16)
        self._topics = topics
        plain, secure, control = (free_ports(3) for _ in range(3))
        certificate = state.folder / "kafka.pem"
        certificate.write_bytes(_java_certificate(authority.issue("127.0.0.1")))
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in enumerate(control, 1))
        self.brokers = {
            node: Broker(
                node,
                plain[node - 1],
                state,
                _settings(plain[node - 1], secure[node - 1], control[node - 1], voters)
                | {"ssl.keystore.location": certificate},
            )
            for node in (1, 2, 3)
        }
        self.bootstrap_servers = ",".join(f"127.0.0.1:{port}" for port in plain)
        self.secure_servers = ",".join(f"127.0.0.1:{port}" for port in secure)

    @contextmanager
    def running(self) -> Iterator["KafkaCluster"]:
        """Run the brokers until the context exits."""
        try:
            for made in [broker.format(self.password) for broker in self.brokers.values()]:
                assert made.wait() == 0, "the storage could not be formatted"
            for broker in self.brokers.values():
                broker.launch()
            self.await_healthy(topics=())
            with self.admin() as admin:
                options = {"num_partitions": PARTITIONS, "replication_factor": 3}
                admin.create_topics(dict.fromkeys(self._topics, options))
            self.await_healthy()
            yield self
        finally:
            for broker in self.brokers.values():
                broker.kill()

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        """Return an administrator's client."""
        client = KafkaAdminClient(
            bootstrap_servers=self.bootstrap_servers.split(","),
            request_timeout_ms=10_000,
            reconnect_backoff_max_ms=500,
        )
        try:
            yield client
        finally:
            client.close()

    def restore(self) -> None:
        """Start all stopped brokers, and wait until every replica is in sync."""
        for broker in self.brokers.values():
            if not broker.running:
                broker.launch()
        self.await_healthy()

    def await_healthy(self, topics: Sequence[str] | None = None) -> None:
        """Wait until all brokers respond and all partitions have three replicas in sync."""
        for broker in self.brokers.values():
            broker.await_ready()
        wanted = self._topics if topics is None else topics
        with self.admin() as admin:

            def check() -> None:
                if len(admin.describe_cluster()["brokers"]) < len(self.brokers):
                    raise NotReadyError("a broker is missing")
                for topic in admin.describe_topics(list(wanted)) if wanted else ():
                    partitions = topic["partitions"]
                    in_sync = {len(partition["isr_nodes"]) for partition in partitions}
                    if len(partitions) != PARTITIONS or in_sync != {3}:
                        raise NotReadyError(f"{topic['name']} has {in_sync} replicas in sync")

            await_condition(check, what="the cluster", seconds=_READY_SECONDS)

    def delete_records(self) -> None:
        """Delete all records of the topics."""
        with self.admin() as admin:
            everything = {
                TopicPartition(topic, partition): -1
                for topic in self._topics
                for partition in range(PARTITIONS)
            }
            admin.delete_records(everything)

    def controller(self) -> int:
        """Return the node that is the controller."""
        with self.admin() as admin:
            quorum = admin.describe_metadata_quorum()
        leader: int = quorum["topics"][0]["partitions"][0]["leader_id"]
        return leader

    def leader(self, topic: str, partition: int) -> int:
        """Return the node that leads a partition."""
        with self.admin() as admin:
            (described,) = admin.describe_topics([topic])
        (found,) = (p for p in described["partitions"] if p["partition_index"] == partition)
        leader: int = found["leader_id"]
        return leader

    def set_password(self, password: str) -> None:
        """Change the service's password; open connections stay open."""
        credential = UserScramCredentialUpsertion(
            USER, ScramMechanism.SCRAM_SHA_512, password, iterations=4096
        )
        with self.admin() as admin:
            problems = admin.alter_user_scram_credentials([credential])
        assert not any(problems.values()), problems
        self.password = password


def _settings(plain: int, secure: int, control: int, voters: str) -> dict[str, object]:
    address = "127.0.0.1"
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return {
        "process.roles": "broker,controller",
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": f"PLAINTEXT://{address}:{plain},SASL_SSL://{address}:{secure},"
        f"CONTROLLER://{address}:{control}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,"
        "CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": login,
        "listener.name.sasl_ssl.connections.max.reauth.ms": REAUTHENTICATION_SECONDS * 1000,
        "auto.create.topics.enable": "false",
        "min.insync.replicas": 2,
        "num.network.threads": 2,
        "num.io.threads": 2,
        "log.segment.bytes": 16 * 1024 * 1024,
        "log.cleaner.enable": "false",
        "offsets.topic.num.partitions": 1,
        # A third of the default, to shorten the tests.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "replica.lag.time.max.ms": 5000,
    }


def _java_certificate(issued: trustme.LeafCert) -> bytes:
    """Return the key as PKCS #8, the only format that Kafka reads, and its certificates."""
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + b"".join(blob.bytes() for blob in issued.cert_chain_pems)


def _java(main: str, *arguments: str) -> list[str]:
    program = shutil.which("java")
    assert program is not None, "there is no Java"
    return [program, *_JVM, _LOGGING, "-cp", f"{JARS}/*", main, *arguments]
