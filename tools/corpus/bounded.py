"""Judging in a separate process with limits on time and memory.

A manifest of a few lines may describe a presentation of fifty years, and a parser that expands it
never finishes.
"""

import contextlib
import multiprocessing
import os
import resource
import signal
from multiprocessing.connection import Connection
from typing import Self

from tools.corpus import node_judges
from tools.corpus.verdicts import Bench, Verdict

SECONDS = 60.0
_MEMORY_BYTES = 2 * 1024**3


class BoundedBench:
    """The judges in another process, which is replaced after it has exceeded a limit."""

    def __init__(self, *, with_node: bool, seconds: float = SECONDS) -> None:
        self._with_node = with_node
        self._seconds = seconds
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def judge(self, body: bytes, manifest_format: str) -> Verdict:
        """Judge a manifest; one that exceeds the limits on time or memory is not counted."""
        connection = self._running()
        connection.send((body, manifest_format))
        why = f"judging takes more than {self._seconds:.0f} s"
        with contextlib.suppress(EOFError, ConnectionError):
            if connection.poll(self._seconds):
                why = f"judging takes more than {_MEMORY_BYTES // 2**30} GB"
                verdict: Verdict = connection.recv()
                return verdict
        self._end()
        return Verdict(no_film=why)

    def _running(self) -> Connection:
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, other = context.Pipe()
            self._process = context.Process(target=_work, args=(other, self._with_node))
            self._process.start()
            other.close()
        return self._connection

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()
        self._process = self._connection = None


def _work(connection: Connection, with_node: bool) -> None:  # noqa: FBT001 - spawned
    # The process of the npm parsers, which has its own limit, ends with this process group.
    os.setsid()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, hard))
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(node_judges.NodeJudges()) if with_node else None
        bench = Bench(node)
        while True:
            try:
                body, manifest_format = connection.recv()
            except EOFError:
                return
            try:
                verdict = bench.judge(body, manifest_format)
            except MemoryError:
                verdict = Verdict(no_film=f"judging takes more than {_MEMORY_BYTES // 2**30} GB")
            connection.send(verdict)
