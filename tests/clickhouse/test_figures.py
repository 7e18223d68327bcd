"""The figures in ClickHouse equal those in PostgreSQL and an independent computation."""

import json
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from local.stack import Stack
from streaming.domain.viewing import ALL_FILMS
from streaming.repository.analytics.record import ViewingRecord
from streaming.usecases.record_viewing import RecordViewing
from tests.clickhouse.clickhouse import (
    COMPUTE,
    PYTHON,
    created,
    erasure,
    execute,
    inserted,
    kafka_table,
    reports,
    run,
)
from tests.clickhouse.comparison import EVER, compare_figures, queries, rows_of
from tests.support.viewing_database import compare, viewing_database
from tests.support.viewing_figures import Figures
from tests.support.viewing_traffic import BEGIN, batches, record, traffic

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="ClickHouse is not installed (run make test-clickhouse)"
)


@pytest.mark.parametrize("seed", range(3))
def test_figures_equal(stack: Stack, tmp_path: Path, seed: int) -> None:
    """After seeks, repeats, late events and repeated batches all three have the same figures."""
    made = traffic(seed)
    delivered = batches(made.records(altered=True), random.Random(seed))
    with viewing_database(stack) as database:
        record_viewing = RecordViewing(ViewingRecord(database))
        for batch in delivered:
            record_viewing(batch)
        compare(database, made.values)

    compare_figures(run(tmp_path, delivered, queries()), made.values)


def test_replays_change_nothing(tmp_path: Path) -> None:
    """Reading the topics again from their start, in other batches, gives the same figures."""
    made = traffic(100)
    records = made.records()
    shuffled = random.Random(1).sample(records, len(records))
    found = run(tmp_path, [records, records[:50], shuffled], queries())
    compare_figures(found, made.values)


def test_other_users_events_do_not_count(tmp_path: Path) -> None:
    """An event that names the session of another user, or of another film, changes no figure."""
    made = traffic(100)
    values = [value for value in made.values if value["session_id"]]
    foreign = [
        {**values[0], "event_id": "01a18eb1-dbe3-726b-9fda-2e5386def5a0", name: other[name]}
        for name in ("user_id", "movie_id")
        for other in values
        if other[name] != values[0][name]
    ]
    last = max(at for at, _, _ in made.sent)
    records = [
        record("stream.progress", 9, offset, json.dumps(value).encode(), last)
        for offset, value in enumerate((foreign[0], foreign[-1]))
    ]
    found = run(tmp_path, [[*records, *made.records()]], queries())
    compare_figures(found, made.values)


def test_an_erased_user_does_not_return(tmp_path: Path) -> None:
    """After erasing a user, and replaying the topics, all figures are the same without the id."""
    made = traffic(100)
    user = Counter(value["user_id"] for value in made.values).most_common(1)[0][0]
    insert = inserted(tmp_path / "records.jsonl", made.records())
    erase = erasure(user_id=user, alias="6f1c9d6e-9d3c-4b0e-8f52-7a7a6f0c2d11")
    remains = {
        f"remains in {table}": f"SELECT count() FROM viewing.{table} WHERE {column} = '{user}'"
        for table, column in (("events", "user_id"), ("figures", "part"))
    }
    remains["remains in owners"] = f"""
        SELECT countIf(tupleElement(owner, 1) = '{user}')
        FROM (SELECT argMinMerge(owner) AS owner FROM viewing.owners GROUP BY day, session)
    """
    before = [*created(), insert, *COMPUTE]
    found = execute(tmp_path / "before", before, remains)
    assert all(found[name][0][0] > 0 for name in remains)
    for more in (), (insert, *COMPUTE):
        folder = tmp_path / str(len(more))
        found = execute(folder, [*before, *erase, *COMPUTE, *more], queries() | remains)
        compare_figures(found, made.values)
        assert [found[name] for name in remains] == [[[0]]] * 3


def test_the_engine_accepts_the_kafka_table(tmp_path: Path) -> None:
    """The columns and settings of Kafka's table, and what reads it, are known to ClickHouse.

    The library creates the table, and then has no threads to read it.
    """
    made = [kafka_table() if "viewing.kafka (" in each else each for each in created()]
    tables = {"tables": "SELECT name FROM system.tables WHERE database = 'viewing'"}
    found = execute(tmp_path / "right", made, tables, tolerated="Shutdown was called")
    assert {"kafka", "read_kafka"} <= {name for (name,) in found["tables"]}

    wrong = [each.replace("kafka_topic_list", "kafka_topics") for each in made]
    with pytest.raises(AssertionError, match="Unknown setting 'kafka_topics'"):
        execute(tmp_path / "wrong", wrong, tables, tolerated="Shutdown was called")


def test_films_by_views(tmp_path: Path) -> None:
    """The list of films has the figures of the days, added up."""
    made = traffic(200)
    found = run(tmp_path, [made.records()], reports(*EVER))
    views: dict[str, int] = {}
    for film, _, name, value in Figures(made.values).days():
        if name == "views" and film != str(ALL_FILMS):
            views[film] = views.get(film, 0) + value
    listed = [(row[0], row[1]) for row in found["movies"] if row[1]]
    assert listed == sorted(views.items(), key=lambda item: (-item[1], item[0]))


def test_poison_becomes_dead_letters(tmp_path: Path) -> None:
    """Records that cannot be counted are kept with their reasons, and the others are counted."""
    made = traffic(300, viewers=2, sittings=3)
    sent_at = BEGIN + timedelta(hours=1)
    poison = {b"?": "the value is not JSON", b"[]": "the value is not a JSON object"}
    poison[b"{}"] = "user_id is not a UUID"
    letters = [
        record("stream.progress", 9, offset, value, sent_at) for offset, value in enumerate(poison)
    ]
    found = run(tmp_path, [[*letters, *made.records()], letters], reports(*EVER))
    assert found["dead_letters"] == [[reason] for reason in poison.values()]
    assert rows_of(found, "days") == Figures(made.values).days()
