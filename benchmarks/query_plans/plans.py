"""Reads the plans of a call's statements from the log of the server."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

_LOG = "SELECT pg_current_logfile('jsonlog')"
_SIZE = "SELECT size FROM pg_stat_file(pg_current_logfile('jsonlog'))"
_READ = "SELECT pg_read_file(pg_current_logfile('jsonlog'), :offset, :length)"
_MARK = "DO $$ BEGIN RAISE LOG 'mark {mark}'; END $$"
_LONGEST_SECONDS = 10.0

_DURATION = re.compile(r"duration: ([\d.]+) ms  plan:")
_HEAD = re.compile(r"^\S.*  \(cost=", re.MULTILINE)
_SEQUENTIAL = re.compile(r"Seq Scan on (\w+)")
_INDEX = re.compile(r"(?:Index (?:Only )?Scan(?: Backward)? using|Bitmap Index Scan on) (\w+)")
_BUFFERS = re.compile(r"Buffers: (.*)")
_COUNT = re.compile(r"(?:hit|read)=(\d+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """How one statement was executed; ``text`` is that of EXPLAIN (ANALYZE, BUFFERS)."""

    milliseconds: float
    text: str

    @property
    def tables_read_wholly(self) -> set[str]:
        """The tables of which all pages were read."""
        return set(_SEQUENTIAL.findall(self.text))

    @property
    def indexes(self) -> set[str]:
        """The indexes by which rows were found."""
        return set(_INDEX.findall(self.text))

    @property
    def pages(self) -> int:
        """The pages that were read, in memory or not."""
        line = _BUFFERS.search(self.text)
        return sum(map(int, _COUNT.findall(line[1]))) if line else 0


class Plans:
    """The plans in the log of a server, whose administrator's ``connection`` is given."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def of(self, call: Callable[[], object]) -> list[Plan]:
        """Run ``call``; return the plans of its statements that read or write a table."""
        offset = self._run(_SIZE)
        call()
        return list(self._since(offset))

    def _since(self, offset: int) -> Iterator[Plan]:
        mark = uuid4().hex
        self._connection.run(_MARK.format(mark=mark))
        ends_at = time.monotonic() + _LONGEST_SECONDS
        # A process of the server writes the log, some time after the statements.
        while mark not in (text := self._run(_READ, offset=offset, length=1 << 26)):
            assert time.monotonic() < ends_at, "the log of the server does not grow"
            time.sleep(0.01)
        for line in text.splitlines():
            entry = json.loads(line)
            duration = _DURATION.match(entry["message"])
            head = duration and _HEAD.search(entry["message"])
            if duration and head and " on " in entry["message"][head.start() :]:
                yield Plan(float(duration[1]), entry["message"][head.start() :])

    def _run(self, statement: str, **parameters: Any) -> Any:
        return self._connection.run(statement, **parameters)[0][0]
