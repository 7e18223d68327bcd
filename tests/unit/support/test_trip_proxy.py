"""The proxy that counts and lengthens round trips in other tests."""

import socket
import threading
import time

from tests.support.trip_proxy import TripProxy

PATIENCE = 10.0


def connect(proxy: TripProxy) -> socket.socket:
    """Return a new connection through the proxy."""
    return socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)


def exchange(client: socket.socket, *pieces: bytes) -> None:
    """Send the pieces at once, and read until all of them have come back."""
    for piece in pieces:
        client.sendall(piece)
    left = sum(map(len, pieces))
    while left:
        left -= len(client.recv(left))


def test_each_request_after_an_answer_is_a_round_trip(server: int) -> None:
    """A client that waits for each answer makes as many round trips as requests."""
    with TripProxy(server) as proxy, connect(proxy) as client:
        for _ in range(5):
            exchange(client, b"request")

        assert proxy.trips == 5


def test_requests_without_waiting_are_one_round_trip(server: int) -> None:
    """What a client sends before the first answer belongs to one round trip."""
    with TripProxy(server, delay_seconds=0.2) as proxy, connect(proxy) as client:
        exchange(client, b"first", b"second", b"third")

        assert proxy.trips == 1


def test_connections_are_counted_together(server: int) -> None:
    """The first request of each connection begins a round trip."""
    with TripProxy(server) as proxy, connect(proxy) as one, connect(proxy) as other:
        exchange(one, b"request")
        exchange(other, b"request")

        assert proxy.trips == 2


def test_a_connection_without_requests_is_no_round_trip(server: int) -> None:
    """Opening a connection is not counted."""
    with TripProxy(server) as proxy, connect(proxy):
        assert proxy.trips == 0


def test_delay(server: int) -> None:
    """Each round trip takes at least the delay longer, once for all its requests."""
    with TripProxy(server, delay_seconds=0.1) as proxy, connect(proxy) as client:
        began = time.monotonic()
        exchange(client, b"first", b"second")
        exchange(client, b"third")

        assert time.monotonic() - began >= 0.2
        assert proxy.trips == 2


def test_end_of_the_client(server: int) -> None:
    """A client that closes its connection ends the server's, too."""
    with TripProxy(server) as proxy:
        with connect(proxy) as client:
            exchange(client, b"request")
        with connect(proxy) as client:
            exchange(client, b"request")
            client.shutdown(socket.SHUT_WR)

            assert client.recv(1) == b""


def test_large_answers_arrive_completely(server: int) -> None:
    """Requests and answers of megabytes pass unchanged."""
    with TripProxy(server) as proxy, connect(proxy) as client:
        sent = bytes(range(256)) * 8192
        sender = threading.Thread(target=client.sendall, args=(sent,))
        sender.start()
        received = bytearray()
        while len(received) < len(sent):
            received += client.recv(65536)
        sender.join()

        assert bytes(received) == sent


def test_server_that_refuses(server: int) -> None:
    """A client of a server that does not listen is disconnected."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with TripProxy(port) as proxy, connect(proxy) as client:
        assert client.recv(1) == b""
