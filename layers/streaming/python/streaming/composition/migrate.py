"""Builds what migrating the database needs."""

import os
from pathlib import Path

from streaming.composition.secret import rotating
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database

_STATEMENT_SECONDS = 240.0


def migrate() -> list[str]:
    """Apply the migrations that the database has not seen; return their names."""
    directory = Path(os.environ.get("MIGRATIONS_DIRECTORY") or "/opt")
    source = rotating(DatabaseSettings.from_environment, "DATABASE_SECRET_ARN")
    settings = source or DatabaseSettings.from_environment(os.environ)
    database = Database(settings, statement_seconds=_STATEMENT_SECONDS)
    try:
        return migrations.apply(database, directory)
    finally:
        database.close()
