"""Parses a client's requests as a strict server does."""

import h11


def requests_in(sent: bytes) -> list[h11.Request]:
    """Return the requests of a connection. Raises ``h11.RemoteProtocolError``."""
    found = []
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(sent)
    while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        if isinstance(event, h11.Request):
            found.append(event)
        elif isinstance(event, h11.EndOfMessage):
            connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            connection.start_next_cycle()
    assert not connection.trailing_data[0]
    return found
