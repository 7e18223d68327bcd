"""The generator of combinations."""

import itertools

from tests.support.pairwise import pairwise

VALUES = {"a": ["1", "2", "3"], "b": ["1", "2", "3"], "c": ["1", "2"], "d": ["1", "2"]}
START = {"a": "1", "b": "1", "c": "1", "d": "1"}


def test_every_pair_is_met() -> None:
    """Each value occurs with each value of each other parameter, in few rows."""
    rows, impossible = pairwise(VALUES, START, lambda _: [])

    assert impossible == []
    assert len(rows) <= 12
    for one, other in itertools.combinations(VALUES, 2):
        met = {(row[one], row[other]) for row in rows}
        assert met == set(itertools.product(VALUES[one], VALUES[other]))


def test_no_row_is_refused() -> None:
    """Every row satisfies a rule, and forbidden pairs are reported: ``b`` is never above ``a``."""

    def culprits(row: dict[str, str]) -> list[set[str]]:
        return [{"a", "b"}] if row["b"] > row["a"] else []

    rows, impossible = pairwise(VALUES, START, culprits)

    assert [row for row in rows if row["b"] > row["a"]] == []
    assert set(impossible) == {
        (("a", one), ("b", other)) for one, other in (("1", "2"), ("1", "3"), ("2", "3"))
    }
