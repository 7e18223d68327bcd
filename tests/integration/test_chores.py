"""Housekeeping: its tasks are independent, its failures are visible, and it ends in time."""

from uuid import uuid4

import pytest

from streaming.usecases.housekeeping.schedule import ChoresFailed
from tests.conftest import Rows
from tests.support.emitted import emitted
from tests.support.functions import event, forget_environment, invoke

SILENT = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at
    )
    VALUES (
        :id, gen_random_uuid(), gen_random_uuid(), 'hls',
        now() - interval '2 days', now() - interval '1 day'
    )
"""


def test_a_failing_chore_keeps_no_other_from_running(
    environment: dict[str, str],
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If one task fails, the others run, and the invocation reports the failure."""
    monkeypatch.setenv("DELIVERY", "nonsense")
    forget_environment()
    session_id = uuid4()
    rows(SILENT, id=session_id)

    with pytest.raises(ChoresFailed, match="copies"):
        invoke("housekeeping", event("housekeeping"))

    (ended,) = rows("SELECT end_reason FROM stream_sessions WHERE id = :id", id=session_id)
    assert ended["end_reason"] == "abandoned"
    assert len(emitted(capsys.readouterr().out, "ChoreFailures")) == 1
    (failure,) = [vars(record) for record in caplog.records if "chore" in vars(record)]
    assert (failure["levelname"], failure["chore"]) == ("ERROR", "copies")
    assert "DELIVERY" in caplog.text
    (summary,) = [vars(record)["done"] for record in caplog.records if "done" in vars(record)]
    others = {
        "abandoned",
        "relayed",
        "waiting",
        "films checked",
        "expired",
        "forgotten",
        "dead letters forgotten",
    }
    assert summary.keys() == others
