"""Which films are on record, and what the bucket was last seen to hold of them."""

from datetime import datetime
from uuid import UUID

from streaming.repository import film_rows
from streaming.repository.database import Database, Transaction


class Films:
    """The films that were ever started or reported. Raises ``DatabaseUnavailable``.

    Before the database is migrated there are none, and nothing is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, movie_id: UUID, duration_seconds: int | None, at: datetime) -> None:
        """Note that the film exists and how many seconds long it is, if that is known."""

        def work(transaction: Transaction) -> None:
            if film_rows.exist(transaction):
                film_rows.keep(transaction, movie_id, duration_seconds, at)

        self._database.run(work)

    def mark(self, movie_id: UUID, at: datetime, *, is_there: bool) -> None:
        """Note whether the bucket holds the film, if it is on record."""

        def work(transaction: Transaction) -> None:
            if film_rows.exist(transaction):
                film_rows.mark(transaction, movie_id, at, is_there=is_there)

        self._database.run(work)

    def find_due(self, before: datetime, limit: int) -> list[UUID]:
        """Return films that nobody has looked for since ``before``, the longest first."""

        def work(transaction: Transaction) -> list[UUID]:
            if not film_rows.exist(transaction):
                return []
            return film_rows.find_due(transaction, before, limit)

        return self._database.read(work)

    def delete_no_films(self, before: datetime, limit: int) -> int:
        """Delete positions in films that never existed, reported before then; return how many."""

        def work(transaction: Transaction) -> int:
            if not film_rows.exist(transaction):
                return 0
            return film_rows.delete_no_films(transaction, before, limit)

        return self._database.run(work)
