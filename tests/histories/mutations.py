"""Bugs to insert into a copy of the shared package: the checker has to find each of them."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.servers.python_service import LAYER


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change of the code: each text occurs once and is replaced."""

    name: str
    replacements: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the name, for the ids of tests."""
        return self.name

    def planted(self, folder: Path) -> Path:
        """Copy the shared package to ``folder``, change the copy, and return its path."""
        copy = folder / "layer"
        shutil.copytree(LAYER, copy, ignore=shutil.ignore_patterns("__pycache__"))
        modules = list(copy.rglob("*.py"))
        for old, new in self.replacements.items():
            (module,) = (path for path in modules if old in path.read_text())
            text = module.read_text()
            assert text.count(old) == 1, f"{module} has it several times"
            module.write_text(text.replace(old, new))
        return copy


NONE = Mutation("as it is")

UPSERT_WITHOUT_WHERE = Mutation(
    "upsert without WHERE",
    {
        "OR last_sequence < CAST(:sequence AS bigint)": "OR true",
        "THEN {new}.sequence > saved.sequence": "THEN true",
    },
)

OLDER_SESSION_NEVER_WINS = Mutation(
    "older session never wins",
    {
        "ELSE CAST(:is_fresh AS boolean) OR {new}.last_watched_at >= saved.last_watched_at": (
            "ELSE coalesce({new}.session_id > saved.session_id, true)"
        )
    },
)

REDIS_STAYS_TRUSTED = Mutation(
    "Redis stays trusted after a failed write",
    {"        self._record.distrust(server)\n": "        return\n"},
)

ANY_REDIS_IS_TRUSTED = Mutation(
    "any server of Redis is trusted",
    {"and bool(server.name) and server.name in self.servers": ""},
)

# If the answer to a claim of an Idempotency-Key is lost, the repeated claim is refused by itself.
CLAIM_NOT_IDEMPOTENT = Mutation(
    "claim not idempotent",
    {'if row["session_id"] == attempt.session_id:': "if False:"},
)

REPEATS_OF_WHAT_HAS_ENDED = Mutation(
    "repeats of ended sessions",
    {
        'raise SessionEnded("the session that was started with this key has ended")': (
            'sessions = [{"last_heartbeat_at": datetime.fromtimestamp(0).astimezone()}]'
        ),
        "self._stream_limit.keep(user_id, session_id, limit, repeated.last_heartbeat_at, now)": (
            "pass"
        ),
    },
)

STREAMS_WITHOUT_LIMIT = Mutation(
    "streams without a limit",
    {"local surplus = is_held and 0 or #live - limit + 1": "local surplus = 0"},
)

PUBLISH_BEFORE_COMMIT = Mutation(
    "publish before the commit, without the outbox",
    {
        """
        ended = self._playback.end_session(report, message_of)
""": """
        def publish(session_id):
            message = message_of(session_id)
            if message is not None:
                self._events._publisher.begin(message)()

        ended = self._playback.end_session(report, publish)
"""
    },
)

_UNCLEANED_USER_AGENT = {
    """ text.encode("utf-8", "replace").decode().replace("\\x00", "")[:_LONGEST_USER_AGENT]""": (
        " text[:_LONGEST_USER_AGENT]"
    )
}

# Input validation rejects what would corrupt a connection, so the mutation first removes it.
GAP_AT_THE_EDGE = Mutation("a lone surrogate gets as far as PostgreSQL", _UNCLEANED_USER_AGENT)

REUSE_POISONED_CONNECTION = Mutation(
    "reuse a corrupted connection",
    {
        **_UNCLEANED_USER_AGENT,
        "request = bytearray(_query(begin, self._client_encoding))": (
            "self._send(_query(begin, self._client_encoding)); request = bytearray()"
        ),
        """
            raise self._lost() from error
        except BaseException:
            self.close()
            raise
        return answers
""": """
            raise Lost("query") from error
        return answers
""",
    },
)

REPEAT_SENDS_NOTHING = Mutation(
    "a repeat does not send its event again",
    {"is_event_due=is_applied or is_repeat,": "is_event_due=is_applied,"},
)

# Batches before the saved offsets are skipped, and a consumer may end between the two transactions.
OFFSETS_BEFORE_FIGURES = Mutation(
    "offsets are saved in a transaction before the figures",
    {
        "            return self._database.run("
        "lambda transaction: self._store(transaction, batch))\n": """
            def save_offsets(transaction):
                rows = transaction.rows("SELECT * FROM analytics_offsets")
                ledger.save_offsets(transaction, batch.next_offsets)
                return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

            known = self._database.run(save_offsets)
            events = tuple(
                (place, event)
                for place, event in batch.events
                if place.offset >= known.get((place.topic, place.partition), 0)
            )
            fresh = ViewingBatch(events, batch.dead_letters, batch.next_offsets)
            return self._database.run(lambda transaction: self._store(transaction, fresh))
"""
    },
)

REPEATS_COUNT_AGAIN = Mutation(
    "repeated events are only kept out of the table of events",
    {
        "WHERE event.is_known IS NULL": "WHERE true",
        "        ORDER BY session_id, at_ms\n    ),": "        ON CONFLICT DO NOTHING\n    ),",
    },
)

FAILURES_ARE_SWALLOWED = Mutation(
    "a batch succeeds without PostgreSQL",
    {
        "        stored = self._store(batch)\n": """
        try:
            stored = self._store(batch)
        except Exception:
            return Stored(0, 0)
"""
    },
)
