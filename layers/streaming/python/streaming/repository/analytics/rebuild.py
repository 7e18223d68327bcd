"""Counts all events again: empties the figures, and keeps the consumer out meanwhile."""

from uuid import UUID

from streaming.repository.database import Database

_BEGIN = "SELECT analytics_begin_rebuild(CAST(:id AS uuid))"
_END = "UPDATE analytics_state SET rebuilt_by = NULL WHERE rebuilt_by = CAST(:id AS uuid)"


class Rebuild:
    """A rebuild with its id. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database, rebuild_id: UUID) -> None:
        self._database = database
        self._id = str(rebuild_id)

    def begin(self) -> None:
        """Delete all figures; batches of anyone else fail from now on.

        Takes the place of a rebuild that has not ended.
        """
        self._database.run(lambda transaction: transaction.rows(_BEGIN, id=self._id))

    def end(self) -> None:
        """Let the consumer store its batches again."""
        self._database.run(lambda transaction: transaction.rows(_END, id=self._id))
