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
# Held by the transaction, because a pooler may give the session to another client. Taken before the
# ledger is created: of two concurrent CREATE TABLE IF NOT EXISTS one fails. migrate.sh locks, too.
_LOCK = "SELECT pg_advisory_xact_lock(7403912650)"
_SELECT_APPLIED = "SELECT name FROM schema_migrations"
_INSERT_APPLIED = "INSERT INTO schema_migrations (name) VALUES (:name)"


def apply(database: Database, directory: Path) -> list[str]:
    """Apply the files of ``directory`` that are not in the ledger; return their names.

    All run in one transaction, so a failing migration leaves nothing behind. Concurrent callers
    wait for each other. Raises ``FileNotFoundError`` if there is no file,
    ``pg8000.native.DatabaseError``, with a note that names the file, if the server rejects a
    migration, ``OSError`` if a file cannot be read, and ``DatabaseUnavailable``.
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
                transaction.script(file.read_text(encoding="utf-8"))
            transaction.rows(_INSERT_APPLIED, name=file.name)
        return [file.name for file in new]

    return database.run(migrate)


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Add the name of the file to an error as a note."""
    try:
        yield
    except pg8000.native.DatabaseError as error:
        error.add_note(f"in {file.name}")
        raise
