"""Applies the numbered SQL files of ``migrations/``, each once, in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pg8000.native

from streaming.repository.database import Database
from streaming.repository.transaction import Transaction

_CREATE_LEDGER = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        name varchar(255) PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
# Of the transaction, because a pooler gives the session to somebody else; taken before the ledger
# is created, because two CREATE TABLE IF NOT EXISTS at once collide. migrate.sh takes it too.
_LOCK = "SELECT pg_advisory_xact_lock(7403912650)"
_SELECT_APPLIED = "SELECT name FROM schema_migrations"
_INSERT_APPLIED = "INSERT INTO schema_migrations (name) VALUES (:name)"


def apply(database: Database, directory: Path) -> list[str]:
    """Apply the files of ``directory`` that the database has not seen; return their names.

    All in one transaction, so a failing migration leaves nothing behind. Several callers at once
    wait for each other. Raises ``FileNotFoundError`` when there is no file at all.
    """
    files = sorted(directory.glob("[0-9]*.sql"))
    if not files:
        raise FileNotFoundError(f"there are no migrations in {directory}")

    def migrate(transaction: Transaction) -> list[str]:
        transaction.rows(_LOCK)
        transaction.rows(_CREATE_LEDGER)
        applied = {row["name"] for row in transaction.rows(_SELECT_APPLIED)}
        new = [file for file in files if file.name not in applied]
        for file in new:
            with _named(file):
                transaction.rows(file.read_text(encoding="utf-8"))
            transaction.rows(_INSERT_APPLIED, name=file.name)
        return [file.name for file in new]

    return database.run(migrate)


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Note on an error in which file it was."""
    try:
        yield
    except pg8000.native.DatabaseError as error:
        error.add_note(f"in {file.name}")
        raise
