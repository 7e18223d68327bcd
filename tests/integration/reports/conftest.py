"""A database in which traffic is counted, and functions that use it."""

import random
from collections.abc import Iterator
from contextlib import closing

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.analytics.record import ViewingRecord
from streaming.repository.database import Database
from streaming.usecases.record_viewing import RecordViewing
from tests.integration.reports.calls import MADE
from tests.support.databases import empty_database
from tests.support.functions import ROOT, forget_environment
from tests.support.viewing_traffic import batches


@pytest.fixture(scope="module")
def counted(stack: Stack) -> Iterator[str]:
    """A database in which the traffic is counted."""
    with empty_database(stack) as url:
        with closing(Database(DatabaseSettings(url), 30)) as database:
            migrations.apply(database, ROOT / "migrations")
            record_viewing = RecordViewing(ViewingRecord(database))
            for batch in batches(MADE.records(), random.Random(9), most=400):
                record_viewing(batch)
        yield url


@pytest.fixture(autouse=True)
def reporting(
    counted: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The function's environment uses this database."""
    monkeypatch.setenv("DATABASE_URL", counted)
    forget_environment()
    yield
    forget_environment()
