"""Reads the events of ``StreamEvent`` from records of Kafka, for the figures of what was watched.

Unknown fields and unknown values of optional fields are ignored, so that newer producers may add
some.
"""

import base64
import hashlib
from collections.abc import Collection, Mapping
from typing import Any, get_args
from uuid import UUID

from streaming.domain import clock
from streaming.domain.devices import Device
from streaming.domain.films import ManifestType
from streaming.domain.identifiers import first_uuid7, milliseconds_of, parse_uuid
from streaming.domain.viewing import ALL_FILMS, DAY_MS, Kind, ViewingEvent
from streaming.events.records import InvalidRecord, KafkaRecord

_KINDS = {
    "stream_start": Kind.START,
    "stream_progress": Kind.PROGRESS,
    "stream_stop": Kind.STOP,
}
_ENDS = {"abandoned": Kind.ABANDONED, "taken_over": Kind.TAKEN_OVER}
_MANIFEST_TYPES: tuple[ManifestType, ...] = get_args(ManifestType)
_DEVICES: tuple[Device, ...] = get_args(Device)
_LONGEST_SECONDS = 7 * 24 * 3600

# Compared with when the record was sent, not with the present: then a rebuild decides the same.
_FUTURE_MS = 3_600_000
_PAST_MS = 31 * DAY_MS
_FIRST_MS = 1_577_836_800_000  # 2020


def viewing_event(record: KafkaRecord, now_ms: int) -> ViewingEvent:
    """Return the event in ``record``; ``now_ms`` is when it was sent, if the record does not say.

    Raises ``InvalidRecord`` with the reason why it cannot be counted.
    """
    value = record.json()
    user_id, movie_id = _uuid(value, "user_id"), _uuid(value, "movie_id")
    if movie_id == ALL_FILMS:
        raise InvalidRecord("movie_id is no film's")
    # The text of another type is no action; a list could not even be looked up.
    kind = _KINDS.get(str(value.get("action")))
    if kind is None:
        raise InvalidRecord("action is unknown")
    if kind == Kind.STOP:
        kind = _ENDS.get(str(value.get("reason")), kind)
    sent_ms = record.timestamp if record.timestamp and record.timestamp > 0 else now_ms
    at_ms = _time(value, sent_ms)
    session_id = _session(value, user_id, movie_id, at_ms)
    is_start = kind == Kind.START
    return ViewingEvent(
        event_id=_uuid(value, "event_id"),
        session_id=session_id,
        user_id=user_id,
        movie_id=movie_id,
        kind=kind,
        # A report is not made before its session starts; the clocks of players differ.
        at_ms=max(at_ms, milliseconds_of(session_id)),
        position_seconds=_seconds(value, "position_seconds"),
        manifest_type=_one_of(_MANIFEST_TYPES, value.get("manifest_type")) if is_start else None,
        device=_one_of(_DEVICES, value.get("device")) if is_start else None,
        duration_seconds=(_seconds(value, "duration_seconds") or None) if is_start else None,
    )


def text_of(encoded: str | None) -> str | None:
    """Return the printable text of a record's key, at most 100 characters."""
    decoded = bytes_of(encoded)
    if decoded is None:
        return None
    return decoded.decode("utf-8", "replace").replace("\x00", "\ufffd")[:100]


def bytes_of(encoded: str | None, most: int = 4096) -> bytes | None:
    """Return the first ``most`` bytes of a record's key or value."""
    if encoded is None:
        return None
    beginning = encoded[: (most + 2) // 3 * 4]
    try:
        return base64.b64decode(beginning)[:most]
    except ValueError:
        return beginning.encode("utf-8", "replace")[:most]


def _time(value: Mapping[str, Any], sent_ms: int) -> int:
    """Return when the event happened: its timestamp less the age of the report."""
    timestamp, age = value.get("timestamp"), value.get("age_seconds", 0)
    if not isinstance(timestamp, str):
        raise InvalidRecord("timestamp is not text")
    try:
        at_ms = clock.milliseconds(clock.parse_iso(timestamp))
    except (ValueError, OverflowError):
        raise InvalidRecord("timestamp is not a time of ISO 8601") from None
    if isinstance(age, bool) or not isinstance(age, int | float) or not 0 <= age * 1000 <= _PAST_MS:
        raise InvalidRecord("age_seconds is not allowed")
    at_ms -= round(age * 1000)
    if at_ms > sent_ms + _FUTURE_MS:
        raise InvalidRecord("timestamp is in the future")
    if at_ms < max(sent_ms - _PAST_MS, _FIRST_MS):
        raise InvalidRecord("timestamp is too old")
    return at_ms


def _session(value: Mapping[str, Any], user_id: UUID, movie_id: UUID, at_ms: int) -> UUID:
    """Return the session, or one for all of the day's reports of the viewer without a session."""
    if value.get("session_id") is None:
        midnight = first_uuid7(at_ms - at_ms % DAY_MS).int
        names = hashlib.md5(user_id.bytes + movie_id.bytes, usedforsecurity=False).digest()
        return UUID(int=midnight | int.from_bytes(names[:9], "big") >> 8)
    session_id = _uuid(value, "session_id")
    started_ms = milliseconds_of(session_id)
    if session_id.version != 7 or not _FIRST_MS <= started_ms <= at_ms + DAY_MS:
        raise InvalidRecord("session_id is no UUIDv7 of the event's time")
    return session_id


def _uuid(value: Mapping[str, Any], name: str) -> UUID:
    found = parse_uuid(value.get(name))
    if found is None:
        raise InvalidRecord(f"{name} is not a UUID")
    return found


def _seconds(value: Mapping[str, Any], name: str) -> int | None:
    seconds = value.get(name)
    if seconds is None:
        return None
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds <= _LONGEST_SECONDS or seconds != int(seconds):
        raise InvalidRecord(f"{name} is not a number of whole seconds")
    return int(seconds)


def _one_of(allowed: Collection[str], value: object) -> str | None:
    return value if isinstance(value, str) and value in allowed else None
