"""Evaluates CloudWatch Logs Insights queries on given lines, as far as the runbook uses them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

Row = dict[str, Any]
Condition = Callable[[Row], bool]

_TOKEN = re.compile(
    r'\s*(?:(?P<text>"[^"]*")|(?P<pattern>/(?:\\.|[^/])+/)|(?P<number>-?\d+(?:\.\d+)?)'
    r"|(?P<sign>[=(),\[\]])|(?P<word>[@\w.*]+))"
)
_AGGREGATE = re.compile(r"(count(?=\(\*\))|sum)\(([\w.*]+)\) as (\w+)")


class QueryError(ValueError):
    """A query that this evaluator, and perhaps CloudWatch, does not support."""


def log_events(group: str, printed: str) -> list[Row]:
    """Return a function's output lines with the fields that CloudWatch discovers.

    Members of nested objects are named with a dot between the names.
    """
    events = []
    for number, line in enumerate(filter(None, printed.splitlines())):
        row: Row = {"@message": line, "@log": f"123456789012:{group}", "@timestamp": number}
        if line.startswith("{"):
            row |= dict(_flat("", json.loads(line)))
        events.append(row)
    return events


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, member)
    elif not isinstance(value, list):
        yield prefix, value


def run(query: str, events: Iterable[Row]) -> list[Row]:
    """Return the results of the query. Raises ``QueryError``."""
    rows = list(events)
    shown = ["@timestamp", "@message"]
    for command, rest in _commands(query):
        if command == "fields":
            shown = [name.strip() for name in rest.split(",")]
        elif command == "filter":
            condition = _Parser(rest).condition()
            rows = [row for row in rows if condition(row)]
        elif command == "stats":
            rows = list(_stats(rest, rows))
            shown = list(rows[0]) if rows else []
        elif command == "sort":
            name, _, order = rest.partition(" ")
            if order not in ("", "asc", "desc"):
                raise QueryError(rest)
            by = partial(_rank, name)
            rows = sorted(rows, key=by, reverse=order == "desc")
        elif command == "limit":
            rows = rows[: int(rest)]
        else:
            raise QueryError(command)
    return [{name: row.get(name) for name in shown} for row in rows]


def _rank(name: str, row: Row) -> tuple[bool, Any]:
    return row.get(name) is not None, row.get(name, 0)


def _commands(query: str) -> Iterator[tuple[str, str]]:
    """Split at the bars. No text or pattern in our queries contains one."""
    for part in query.split("|"):
        command, _, rest = " ".join(part.split()).partition(" ")
        yield command, rest


def _stats(text: str, rows: list[Row]) -> Iterator[Row]:
    aggregates, _, by = text.partition(" by ")
    names = [name.strip() for name in by.split(",")] if by else []
    parts = _AGGREGATE.findall(aggregates)
    if ", ".join(f"{function}({of}) as {name}" for function, of, name in parts) != aggregates:
        raise QueryError(text)
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.get(name) for name in names)].append(row)
    for key, members in groups.items():
        made: Row = dict(zip(names, key, strict=True))
        for function, of, name in parts:
            values = [row[of] for row in members if row.get(of) is not None]
            made[name] = sum(values) if function == "sum" else len(members)
        yield made


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


class _Parser:
    """Reads the condition of a ``filter``."""

    def __init__(self, text: str) -> None:
        self._tokens: list[_Token] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise QueryError(text[position:])
            self._tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
            position = found.end()

    def condition(self) -> Condition:
        """Return the whole condition."""
        whole = self._alternatives()
        if self._tokens:
            raise QueryError(f"what is {self._tokens[0].text}?")
        return whole

    def _alternatives(self) -> Condition:
        parts = [self._together()]
        while self._accept("or"):
            parts.append(self._together())
        return lambda row: any(part(row) for part in parts)

    def _together(self) -> Condition:
        parts = [self._single()]
        while self._accept("and"):
            parts.append(self._single())
        return lambda row: all(part(row) for part in parts)

    def _single(self) -> Condition:
        if self._accept("not"):
            negated = self._single()
            return lambda row: not negated(row)
        if self._accept("("):
            inner = self._alternatives()
            self._expect(")")
            return inner
        name = self._next("word").text
        if name == "ispresent":
            self._expect("(")
            field = self._next("word").text
            self._expect(")")
            return lambda row: row.get(field) is not None
        return self._comparison(name)

    def _comparison(self, name: str) -> Condition:
        sign = self._next("word", "sign").text
        if sign == "like":
            pattern = self._next("pattern", "text")
            text = pattern.text[1:-1]
            search = re.compile(text if pattern.kind == "pattern" else re.escape(text)).search
            return lambda row: search(str(row.get(name, ""))) is not None
        if sign == "in":
            values = list(self._list())
            return lambda row: row.get(name) in values
        value = self._value()
        if sign != "=":
            raise QueryError(sign)
        return lambda row: row.get(name) == value

    def _list(self) -> Iterator[Any]:
        self._expect("[")
        yield self._value()
        while self._accept(","):
            yield self._value()
        self._expect("]")

    def _value(self) -> Any:
        token = self._next("text", "number")
        return token.text[1:-1] if token.kind == "text" else float(token.text)

    def _accept(self, text: str) -> bool:
        found = bool(self._tokens) and self._tokens[0].text == text
        if found:
            self._tokens.pop(0)
        return found

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise QueryError(f"{text} is missing")

    def _next(self, *kinds: str) -> _Token:
        if not self._tokens or self._tokens[0].kind not in kinds:
            raise QueryError(f"one of {kinds} is missing")
        return self._tokens.pop(0)
