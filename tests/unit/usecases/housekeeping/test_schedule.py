"""The chores of a background function."""

import pytest

from streaming.domain.errors import DatabaseUnavailable
from streaming.resilience.deadline import allowance
from streaming.usecases.housekeeping import schedule
from streaming.usecases.housekeeping.schedule import ChoresFailed
from tests.support.emitted import emitted


def test_what_was_done() -> None:
    """Each chore is done in order, and what all have done is told."""
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
    """The others are done all the same; then the run fails and names it, and a metric counts it."""

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
    """A chore gets its part of what is left, less what it needs to finish, and is held to it."""
    budgets: list[float] = []
    allowances: list[float] = []

    def work(budget: float) -> dict[str, int]:
        budgets.append(budget)
        allowances.append(allowance(1000))
        return {}

    schedule.run({"first": work, "second": work}, 40)
    # The second has its half, and what the first has left of its own.
    assert 0 < budgets[0] <= 17.5 < budgets[1] <= 37.5
    assert 0 < allowances[0] <= 20 < allowances[1] <= 40


def test_little_time() -> None:
    """A chore still gets half of a share that is too short for finishing in time."""
    budgets: list[float] = []

    def work(budget: float) -> dict[str, int]:
        budgets.append(budget)
        return {}

    schedule.run({"only": work}, 2)
    assert 0 < budgets[0] <= 1
