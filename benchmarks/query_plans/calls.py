"""The calls of the service and of its housekeeping that use PostgreSQL."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from benchmarks.query_plans.tables import USERS_WITH_MESSAGES, film, user
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.events.event import Message, new_event_id
from streaming.repository.outbox import Outcome, Waiting
from tests.contracts.record import Player, Record, message_of, refuse, start_of

Call = tuple[str, Callable[[], object]]

_DAY = timedelta(days=1)


def calls(record: Record, now: datetime) -> Iterator[Call]:
    """Yield the calls by name; each uses what the ones before have done.

    Another run on the same tables uses other users, none of which has messages in the outbox.
    """
    number = USERS_WITH_MESSAGES + int(now.timestamp()) % 500
    # Connects, and brings the upper pages of the indexes into memory.
    for _, call in _of_viewer(record, now, user(number + 1)):
        call()
    yield from _of_viewer(record, now, user(number))
    yield from _of_housekeeping(record, now)
    yield (
        "erase a user",
        lambda: record.personal_data.erase(user(1000 + number), _forget_nothing),
    )


def _of_viewer(record: Record, now: datetime, user_id: UUID) -> Iterator[Call]:
    player = Player(record, user_id, film(3))
    other = replace(player, movie_id=film(4))
    later = now + timedelta(seconds=10)
    key = IdempotencyKey(f"at {now}", "fingerprint")
    session = other.new_session(now)
    attempt = Attempt(session.id, new_event_id(now))

    messages: list[Message] = []

    yield "start", lambda: messages.extend(player.start(now).next_messages)
    yield "delete an acknowledged event", lambda: record.outbox.delete(messages[0].event_id)
    yield (
        "start with an Idempotency-Key: the key",
        lambda: record.keys.claim(player.user_id, key, attempt, 10),
    )
    yield (
        "start with an Idempotency-Key that takes over another session",
        lambda: messages.extend(
            record.playback.open_session(
                session, start_of(session), message_of, key, [_id_of(player)]
            ).next_messages
        ),
    )
    for message in messages:
        record.outbox.delete(message.event_id)
    yield (
        "repeated start",
        lambda: record.playback.find_repeated(player.user_id, other.movie_id, session.id),
    )
    yield (
        "streams of a user",
        lambda: record.playback.find_sessions(player.user_id, [session.id, _id_of(player)]),
    )
    other.session_id = session.id
    yield "first report of a session", lambda: other.report(10, now, 1)
    yield "report", lambda: other.report(20, later, 2)
    yield "report that arrives late", lambda: other.report(10, later, 1, age_seconds=10)
    yield (
        "report without a session",
        lambda: replace(other, session_id=None).report(30, later),
    )
    yield "report whose event is not sent", lambda: other.report(40, later, 4, send=refuse)
    yield "stop", lambda: other.stop(50, later)
    yield "get", lambda: record.progress.find(player.user_id, other.movie_id)
    yield (
        "continue watching",
        lambda: record.progress.find_to_continue(player.user_id, 20, 30, 0.05),
    )
    yield "remove", lambda: record.progress.remove(player.user_id, other.movie_id, later)


def _of_housekeeping(record: Record, now: datetime) -> Iterator[Call]:
    before = now - 28 * _DAY
    yield (
        "end abandoned sessions",
        lambda: record.playback.end_abandoned(now - timedelta(minutes=5), 200, message_of),
    )
    yield (
        "relay the outbox",
        lambda: record.outbox.relay(
            _acknowledge, after=0, keys=500, per_key=50, settling_seconds=5
        ),
    )
    yield "measure the outbox", record.outbox.measure
    yield "films in use", lambda: record.films.find_in_use(now, 3600, 1000)
    yield "films to check", lambda: record.films.find_due(now - timedelta(hours=1), 200)
    yield (
        "films checked",
        lambda: record.films.mark_all({film(number): True for number in range(200)}, now),
    )
    yield "film deleted", lambda: record.films.mark(film(5), now, is_there=False)
    yield (
        "positions in films that never were",
        lambda: record.films.delete_no_films(now - _DAY, 200),
    )
    yield "old idempotency keys", lambda: record.keys.delete_old(now - _DAY, 1000)
    yield "old personal data", lambda: record.personal_data.forget(before, 500)


def _acknowledge(queues: Sequence[Sequence[Waiting]]) -> Outcome:
    return Outcome(acknowledged=[each.id for queue in queues for each in queue])


def _forget_nothing(movie_ids: Sequence[UUID]) -> None:
    """Leave the copies in Redis, which does not run here."""


def _id_of(player: Player) -> UUID:
    assert player.session_id is not None
    return player.session_id
