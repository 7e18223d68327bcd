"""Removes users from the rows of analytics; the figures, which contain no users, remain."""

from datetime import date, datetime
from uuid import UUID, uuid4

from streaming.repository.analytics import ledger
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction

# Rows keep a random alias instead of being deleted: the figures still equal what a rebuild counts,
# and a repeated or late event of the user does not count twice.
_NAME_SESSIONS = """
    INSERT INTO analytics_aliases (session_id, alias)
    SELECT session_id, CAST(:alias AS uuid) FROM analytics_sessions WHERE user_id = :user_id
    ON CONFLICT (session_id) DO NOTHING
"""
_REPLACE = (
    "UPDATE analytics_sessions SET user_id = CAST(:alias AS uuid) WHERE user_id = :user_id",
    "UPDATE analytics_viewer_days SET user_id = CAST(:alias AS uuid) WHERE user_id = :user_id",
    "UPDATE analytics_viewers SET user_id = CAST(:alias AS uuid) WHERE user_id = :user_id",
)
_DELETE_LETTERS = "DELETE FROM analytics_dead_letters WHERE user_id = :user_id OR key = :key"

_DROP = "SELECT analytics_drop_before(CAST(:month AS date)) AS dropped"
_DELETE_OLD_LETTERS = """
    DELETE FROM analytics_dead_letters
    WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM analytics_dead_letters
        WHERE died_at < :before
        ORDER BY died_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING 1 AS deleted
"""
_FIND_FIRST_MONTH = """
    SELECT min(to_date(right(CAST(CAST(inhrelid AS regclass) AS text), 7), 'YYYY_MM')) AS month
    FROM pg_inherits
    WHERE inhparent = CAST('analytics_events' AS regclass)
"""


def erase_viewer(transaction: Transaction, user_id: UUID) -> None:
    """Replace the user by a random alias, within the caller's transaction."""
    ledger.lock(transaction)
    alias = str(uuid4())
    transaction.rows(_NAME_SESSIONS, user_id=user_id, alias=alias)
    for statement in _REPLACE:
        transaction.rows(statement, user_id=user_id, alias=alias)
    transaction.rows(_DELETE_LETTERS, user_id=user_id, key=str(user_id))


class OldViewing:
    """Deletes what is older than the retention period. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(self, before: datetime, limit: int) -> int:
        """Delete the months that ended before then, and dead letters; return how many of these.

        A rebuild counts the events of such months again, so they are deleted after its end.
        """
        month = before.date().replace(day=1)

        def work(transaction: Transaction) -> int:
            # The lock waits for a batch, so it is not taken in vain.
            if _has_older(transaction, month) and not ledger.lock(transaction).rebuilt_by:
                transaction.rows(_DROP, month=month)
            return len(transaction.rows(_DELETE_OLD_LETTERS, before=before, limit=limit))

        return self._database.run(work)


def _has_older(transaction: Transaction, month: date) -> bool:
    row = transaction.row(_FIND_FIRST_MONTH)
    return row is not None and row["month"] is not None and row["month"] < month
