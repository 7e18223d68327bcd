"""Command line: ``make explain``, or ``python -m benchmarks.query_plans --sessions 1000000``."""

import argparse
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.circumstances import ROOT
from benchmarks.postgres import MIGRATIONS
from benchmarks.query_plans import document
from benchmarks.query_plans.calls import calls
from benchmarks.query_plans.plans import Plan, Plans
from benchmarks.query_plans.server import PlanServer, running
from benchmarks.query_plans.tables import fill, is_empty, refresh
from streaming.config.database import DatabaseSettings
from streaming.domain import clock
from streaming.repository import migrations
from streaming.repository.database import Database
from tests.contracts.record import Record

_STATEMENT_SECONDS = 30.0


def main() -> None:
    """Fill the tables, run each call and write the document."""
    parser = argparse.ArgumentParser(prog="benchmarks.query_plans", description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the tables stay, for another run")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "query-plans.md")
    options = parser.parse_args()
    began = time.monotonic()
    with (
        TemporaryDirectory(prefix="explain-") as folder,
        running(options.folder or Path(folder)) as server,
    ):
        found, facts = explain(server, options.sessions)
    options.output.write_text(document.of(found, facts), encoding="utf-8")
    print(f"{options.output} is written after {time.monotonic() - began:.0f} s")


def explain(
    server: PlanServer, sessions: int
) -> tuple[dict[str, list[Plan]], list[tuple[str, str]]]:
    """Return the plans of each call with so many sessions, and facts about the tables."""
    with (
        closing(Database(DatabaseSettings(server.database_url), _STATEMENT_SECONDS)) as database,
        server.administrator() as connection,
    ):
        migrations.apply(database, MIGRATIONS)
        if is_empty(connection):
            fill(connection, sessions)
        else:
            refresh(connection)
        plans = Plans(connection)
        record = Record.of(database)
        found = {name: plans.of(call) for name, call in calls(record, clock.now())}
        return found, document.facts(connection)


if __name__ == "__main__":
    main()
