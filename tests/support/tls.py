"""A TLS terminator for embedded servers without TLS.

It terminates TLS and forwards everything, as a load balancer does.
"""

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Self

import trustme

# The first message of a PostgreSQL client that requests TLS, and the reply that accepts it.
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_GRANTED = b"S"


class Authority:
    """The tests' certificate authority, with its certificate in a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self._authority = trustme.CA(organization_name=name)
        self.file = folder / f"{name}.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def issue(self, *hosts: str) -> trustme.LeafCert:
        """Return a certificate for ``hosts``."""
        return self._authority.issue_cert(*hosts)

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        """Return a server context with a certificate for ``hosts``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.issue(*hosts).configure_cert(context)
        return context


class TlsFront:
    """Listens on its own port in the context; ``upstream`` is a port on this machine."""

    def __init__(self, upstream: int, context: ssl.SSLContext, *, postgres: bool = False) -> None:
        self._upstream = upstream
        self._context = context
        self._postgres = postgres
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: asyncio.Server | None = None
        self.handshakes = 0
        # The bytes that clients have sent, by connection.
        self.received: list[bytearray] = []

    @property
    def port(self) -> int:
        """The address to connect to."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        # PostgreSQL's clients request TLS in plaintext.
        context = None if self._postgres else self._context
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # The loop closes the sockets of aborted connections in its next round.
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._postgres:
                if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
                    return
                writer.write(_GRANTED)
                await writer.start_tls(self._context)
            self.handshakes += 1
            record = bytearray()
            self.received.append(record)
            inner = await asyncio.open_connection("127.0.0.1", self._upstream)
            await asyncio.gather(
                _pass_on(reader, inner[1], record), _pass_on(inner[0], writer, bytearray())
            )
        except asyncio.CancelledError:
            writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            # The client does not trust us or has disconnected.
            return
        finally:
            writer.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray
) -> None:
    try:
        while data := await reader.read(65536):
            record += data
            writer.write(data)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()
