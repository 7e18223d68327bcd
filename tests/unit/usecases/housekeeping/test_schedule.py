"""Tests how the chores of a background function are run."""

import time

import pytest

from streaming.domain.errors import DatabaseUnavailable
from streaming.resilience.deadline import DeadlineExceeded, allowance
from streaming.usecases.housekeeping import schedule
from streaming.usecases.housekeeping.schedule import ChoresFailed
from tests.support.emitted import emitted


def test_what_was_done() -> None:
    """Chores run in order, and their results are returned together."""
    order: list[str] = []

    def chore(name: str, done: int) -> schedule.Chore:
        def work(_: float) -> dict[str, int]:
            order.append(name)
            return {name: done}

        return work

    done = schedule.run({"relay": chore("relay", 3), "renew": chore("renew", 0)}, 60)
    assert done == {"relay": 3, "renew": 0}
    assert order == ["relay", "renew"]


def test_a_chore_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """The other chores run; then the run fails with the failed ones' names, counted in a metric."""

    def fail(_: float) -> dict[str, int]:
        raise DatabaseUnavailable("the database does not answer")

    done: list[str] = []

    def work(_: float) -> dict[str, int]:
        done.append("renew")
        return {}

    with pytest.raises(ChoresFailed, match=r"relay, expire$"):
        schedule.run({"relay": fail, "renew": work, "expire": fail}, 60)
    assert done == ["renew"]
    assert len(emitted(capsys.readouterr().out, "ChoreFailures")) == 2


def test_shares_of_the_time() -> None:
    """Each chore is limited to an equal share of the remaining time, with a reserve to finish."""
    budgets: list[float] = []
    allowances: list[float] = []

    def work(budget: float) -> dict[str, int]:
        budgets.append(budget)
        allowances.append(allowance(1000))
        return {}

    schedule.run({"first": work, "second": work}, 40)
    # The second gets its own half and what the first has not used.
    assert 0 < budgets[0] <= 17.5 < budgets[1] <= 37.5
    assert 0 < allowances[0] <= 20 < allowances[1] <= 40


def test_little_time() -> None:
    """A chore gets half of a share that is shorter than twice the reserve."""
    budgets: list[float] = []

    def work(budget: float) -> dict[str, int]:
        budgets.append(budget)
        return {}

    schedule.run({"only": work}, 2)
    assert 0 < budgets[0] <= 1


def test_a_chore_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits of a chore end with its share, and the next chore gets its own share."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    budgets: dict[str, float] = {}

    def quick(budget: float) -> dict[str, int]:
        budgets["quick"] = budget
        return {}

    def stuck(budget: float) -> dict[str, int]:
        nonlocal now
        budgets["stuck"] = budget
        while True:
            now += allowance(0.5)

    def last(budget: float) -> dict[str, int]:
        budgets["last"] = budget
        return {}

    with pytest.raises(ChoresFailed, match="stuck"):
        schedule.run({"quick": quick, "stuck": stuck, "last": last}, 3)
    assert budgets == pytest.approx({"quick": 0.5, "stuck": 0.75, "last": 0.75})


def test_no_time_at_all() -> None:
    """Without remaining time a chore cannot wait, but its results are returned."""

    def work(budget: float) -> dict[str, int]:
        with pytest.raises(DeadlineExceeded):
            allowance(1)
        return {"did": int(budget)}

    assert schedule.run({"only": work}, -1) == {"did": 0}
