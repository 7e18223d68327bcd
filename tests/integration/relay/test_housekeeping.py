"""Housekeeping relays and measures the outbox, with and without Kafka."""

from uuid import uuid4

import pytest

from local.stack import Stack
from streaming.repository.database import Database
from tests.conftest import Rows
from tests.integration.relay.messages import in_kafka, message, put
from tests.support.emitted import emitted
from tests.support.functions import event, forget_environment, invoke
from tests.support.outbox import drain
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.own_servers


def test_housekeeping_measures_the_outbox(
    environment: dict[str, str],
    database: Database,
    rows: Rows,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Housekeeping relays thousands of events, and measures waiting and dead ones."""
    insert = """
        INSERT INTO event_outbox (event_id, topic, key, value, created_at)
        SELECT gen_random_uuid(), 'stream.progress', CAST(number % 300 AS text), '{}',
            now() - interval '1 hour'
        FROM generate_series(1, 3000) AS number
    """
    rows(insert)
    put(database, message("poison", "x", "no topic!"))
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 hour'")
    # Abandoned sessions of other tests would add waiting events.
    rows("UPDATE stream_sessions SET ended_at = last_heartbeat_at WHERE ended_at IS NULL")
    forget_environment()

    # A run that is out of time leaves the rest to the next one.
    done = [invoke("housekeeping", event("housekeeping"))]
    while done[-1]["waiting"]:
        assert done[-1]["relayed"]
        done.append(invoke("housekeeping", event("housekeeping")))

    assert sum(each["relayed"] for each in done) == 3000
    measured = emitted(capsys.readouterr().out, "OutboxAgeSeconds")[-1]
    assert (measured["OutboxMessages"], measured["OutboxDeadLetters"]) == (0, 1)


def test_events_that_are_switched_off(
    stack: Stack,
    environment: dict[str, str],
    database: Database,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without Kafka no connection is opened: events stay, are measured, and are sent later."""
    waits = message(str(uuid4()), "from before")
    put(database, waits)
    rows("UPDATE event_outbox SET created_at = created_at - interval '1 hour'")
    with TcpProxy(stack.kafka.port, readdress=True) as proxy:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ENABLE_KAFKA", "false")
        forget_environment()

        done = invoke("housekeeping", event("housekeeping"))

        assert proxy.accepted == 0
    assert (done["relayed"], done["waiting"]) == (0, 1)
    (measured,) = emitted(capsys.readouterr().out, "OutboxAgeSeconds")
    assert measured["OutboxMessages"] == 1
    assert measured["OutboxAgeSeconds"] >= 3600

    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", environment["KAFKA_BOOTSTRAP_SERVERS"])
    monkeypatch.setenv("ENABLE_KAFKA", "true")
    drain(rows)
    assert in_kafka(stack)[waits.topic, waits.key] == [waits.value]
