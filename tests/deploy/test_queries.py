"""The saved queries of the runbook, run on what the deployed functions logged."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from local.stack import Stack
from tests.conftest import Rows, set_subscription
from tests.deploy.deployment import Deployment
from tests.integration.delivery.manifests import MASTER, TS_FILM
from tests.support.databases import administrator
from tests.support.functions import Json, event, new_viewer
from tests.support.logs_insights import Row, log_events, run
from tests.support.runbook import queries

GONE = uuid4()
GROUP = "123456789012:/streaming/streaming-dev/"
LATE_SECONDS = 5
_ILLEGAL = """
    INSERT INTO event_outbox (event_id, topic, key, value, created_at)
    VALUES (gen_random_uuid(), 'no topic!', 'x', '{}', now() - interval '1 hour')
"""
_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
# For each query, rows that it must find. Housekeeping renews films only at the end of a window.
FOUND: dict[str, list[Json]] = {
    "errors": [
        {"@log": f"{GROUP}start", "code": "database_unavailable"},
        {"@log": f"{GROUP}progress", "code": "internal_error", "exception_name": "DatabaseError"},
        {"@log": f"{GROUP}housekeeping", "message": "a chore failed"},
    ],
    "crashes": [{"@log": f"{GROUP}housekeeping", "errorType": "ChoresFailed"}],
    "versions": [
        {"function_name": "streaming-dev-start", "answers": 1, "unexpected": 0},
        {"function_name": "streaming-dev-progress", "answers": 1, "unexpected": 1},
    ],
    "dependencies": [{"@log": f"{GROUP}start", "dependency": "postgresql"}],
    "dependency-errors": [{"dependency": "postgresql", "operation": "connect"}],
    "slow-answers": [{"function_name": "streaming-dev-start"}],
    "chores": [{"exception_name": "DatabaseUnavailable"}],
    "outbox": [{"OutboxDeadLetters": 1}],
    "dead-letters": [{"topic": "no topic!", "events": 1}],
    "migrations": [{"message": "the database is migrated"}],
    "renditions": [{"path": "large/index.m3u8"}],
    "renewals": [],
    "skipped-records": [{"reason": "user_id is not a UUID"}],
    "refusals": [{"@log": f"{GROUP}start", "code": "movie_not_found"}],
}


class Operator:
    """Runs the queries that the stack has saved, over the log groups that it has saved them for."""

    def __init__(self, deployment: Deployment) -> None:
        stacks = deployment.aws.cloudformation
        nested = stacks.stacks[deployment.stack_name].resources["Queries"].made.physical_id
        saved = [each.properties for each in stacks.existing(nested).resources.values()]
        self.queries = {each["Name"].rpartition("/")[2]: each["QueryString"] for each in saved}
        groups = {group for each in saved for group in each["LogGroupNames"]}
        self.events = [
            row for group in groups for row in log_events(group, deployment.aws.log(group))
        ]

    def rows(self, name: str, request_id: str = "") -> list[Row]:
        """Return the results of a query."""
        return run(self.queries[name].replace("REQUEST_ID", request_id), self.events)


@pytest.fixture(scope="module")
def operator(deployed: Deployment, stack: Stack, database: Rows) -> Operator:
    """An operator after all faults that need no other configuration."""
    viewer = new_viewer(stack.token)
    set_subscription(stack, viewer.user_id)
    film = uuid4()
    films = deployed.aws.client("s3")
    for name, body in (("index", MASTER), ("v/index", TS_FILM)):
        films.put_object(Bucket=deployed.bucket, Key=f"movies/{film}/{name}.m3u8", Body=body)
    path = f"/api/v1/stream/{film}"
    call = deployed.api.call
    assert call("POST", f"/api/v1/stream/{GONE}", viewer.token).status == 404
    assert call("POST", path, viewer.token, age_seconds=LATE_SECONDS).status == 200

    database(_ILLEGAL)
    deployed.invoke("housekeeping", event("housekeeping"))
    deployed.invoke("subscription-changed", skipped_record())

    report: Json = {"position_seconds": 1}
    database("ALTER TABLE watch_progress RENAME TO elsewhere")
    assert call("POST", f"{path}/progress", viewer.token, report).status == 500
    database("ALTER TABLE elsewhere RENAME TO watch_progress")
    with closed(stack, deployed.database_url):
        assert call("POST", path, viewer.token).status == 503
        deployed.invoke("housekeeping", event("housekeeping"))
    assert call("POST", f"{path}/progress", viewer.token, report).status == 200
    return Operator(deployed)


@contextmanager
def closed(stack: Stack, url: str) -> Iterator[None]:
    """Let the database refuse connections."""
    name = urlsplit(url).path.removeprefix("/")
    admin = administrator(stack, "postgres")
    try:
        admin.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n", n=name
        )
        yield
    finally:
        admin.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        admin.close()


def skipped_record() -> Json:
    """Return an event with a record that the function skips."""
    changed = event("subscription_changed")
    records, *_ = changed["records"].values()
    records[0]["value"] = base64.b64encode(b'{"user_id": "nobody"}').decode()
    return changed


def has(rows: list[Row], expected: Json) -> bool:
    """Return whether one of the rows has these values."""
    return any(expected.items() <= row.items() for row in rows)


def test_every_query_is_saved(operator: Operator) -> None:
    """The deployed stack has exactly the queries of the runbook, and this test covers them."""
    assert operator.queries == queries()
    assert operator.queries.keys() == {*FOUND, "one-request"}


@pytest.mark.parametrize("name", FOUND)
def test_query(operator: Operator, name: str) -> None:
    """The query finds the expected rows in the logs of the deployed functions."""
    rows = operator.rows(name)

    assert [expected for expected in FOUND[name] if not has(rows, expected)] == [], rows


def test_one_request(operator: Operator) -> None:
    """The request_id of a response finds the lines of that call, and no others."""
    (lost,) = run('filter code = "database_unavailable" | fields request_id', operator.events)

    rows = operator.rows("one-request", str(lost["request_id"]))

    assert has(rows, {"code": "database_unavailable", "level": "ERROR"})
    assert {row["@log"] for row in rows} == {f"{GROUP}start"}


def test_nothing_is_looked_for_that_is_not_printed(operator: Operator) -> None:
    """The deployed functions never log [ERROR], and no saved query searches for it."""
    assert not any("[ERROR]" in str(row["@message"]) for row in operator.events)
    assert not any("[ERROR]" in query for query in operator.queries.values())
