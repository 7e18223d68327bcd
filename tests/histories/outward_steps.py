"""Counts the messages that a process sends, and kills it before or after a chosen one."""

import os
import signal
import socket
from collections.abc import Callable
from typing import Any


class OutwardSteps:
    """Two steps per send: before it, and after it, when its reply has not been read yet.

    A send is what reaches a socket in one call: a statement, a command, a request. It is counted
    in any thread, including Kafka's own.
    """

    def __init__(self) -> None:
        self._count = 0
        self._die_at: int | None = None
        self._is_counting = False
        for name in ("send", "sendall", "sendmsg"):
            setattr(socket.socket, name, self._counted(getattr(socket.socket, name)))

    def begin(self, die_at: int | None) -> None:
        """Count from now on, from 1; kill the process at step ``die_at``, if there is one."""
        self._count, self._die_at, self._is_counting = 0, die_at, True

    def end(self) -> int:
        """Stop counting; return the number of steps. The step after the last is this."""
        self._step()
        self._is_counting = False
        return self._count

    def _step(self) -> None:
        self._count += 1
        if self._count == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counted(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def counted(connection: socket.socket, *arguments: Any, **options: Any) -> Any:
            if not self._is_counting:
                return send(connection, *arguments, **options)
            self._step()
            sent = send(connection, *arguments, **options)
            self._step()
            return sent

        return counted
