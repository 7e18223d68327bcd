"""Applies the numbered SQL files of ``migrations/``, each once, in order."""

from pathlib import Path

from streaming.database import Database, Transaction

_CREATE_LEDGER = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        name varchar(255) PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
_LOCK_LEDGER = "LOCK TABLE schema_migrations IN EXCLUSIVE MODE"
_SELECT_APPLIED = "SELECT name FROM schema_migrations"
_INSERT_APPLIED = "INSERT INTO schema_migrations (name) VALUES (:name)"


def apply(database: Database, directory: Path) -> list[str]:
    """Apply the files of ``directory`` that the database has not seen; return their names.

    All in one transaction, so a failing migration leaves nothing behind. Several callers at once
    wait for each other.
    """
    files = sorted(directory.glob("[0-9]*.sql"))

    def migrate(transaction: Transaction) -> list[str]:
        transaction.rows(_CREATE_LEDGER)
        transaction.rows(_LOCK_LEDGER)
        applied = {row["name"] for row in transaction.rows(_SELECT_APPLIED)}
        new = [file for file in files if file.name not in applied]
        for file in new:
            transaction.rows(file.read_text(encoding="utf-8"))
            transaction.rows(_INSERT_APPLIED, name=file.name)
        return [file.name for file in new]

    return database.run(migrate)
