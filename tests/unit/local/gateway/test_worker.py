"""The process that executes a function for the local gateway."""

import socket
import struct

import pytest

from local.gateway.worker import receive, send


def test_gateway_that_has_ended_is_no_error() -> None:
    """A worker that becomes ready, or ends an event, after Ctrl-C prints no traceback."""
    gateway, worker = socket.socketpair()
    gateway.close()

    with worker:
        with pytest.raises(SystemExit) as on_send:
            send(worker, "R", b"{}")
        with pytest.raises(SystemExit) as on_receive:
            receive(worker)

    assert (on_send.value.code, on_receive.value.code) == (0, 0)


def test_connection_that_was_reset_is_no_error() -> None:
    """The same when the gateway had not read everything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        worker = socket.create_connection(server.getsockname())
        gateway, _ = server.accept()
        # A close that discards unread data, or does not linger, resets the connection.
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gateway.close()

    with worker, pytest.raises(SystemExit) as ended:
        receive(worker)

    assert ended.value.code == 0
