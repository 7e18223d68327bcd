"""Rows in which every value of a parameter occurs with every value of each other parameter."""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]

# The number of steps to correct a rejected row, each of which changes one more parameter.
_STEPS = 5


def pairwise(
    values: Mapping[str, Sequence[str]],
    start: Row,
    culprits: Callable[[Row], list[set[str]]],
) -> tuple[list[Row], list[Pair]]:
    """Return rows that contain every pair of values, and the pairs that no row may contain.

    Args:
        values: The possible values of each parameter.
        start: An accepted row, from which others are derived.
        culprits: For each violation, the parameters that it concerns; empty if accepted.
    """
    chance = random.Random(0)
    left = dict.fromkeys(
        ((one, first), (other, second))
        for one, other in itertools.combinations(values, 2)
        for first in values[one]
        for second in values[other]
    )
    rows, impossible = [], []
    while left:
        pair = next(iter(left))
        row = _mended({**start, **dict(pair)}, values, set(dict(pair)), culprits, _STEPS)
        if row is None:
            impossible.append(pair)
            del left[pair]
            continue
        _fill(row, values, set(dict(pair)), culprits, left, chance)
        rows.append(row)
        for found in itertools.combinations([(name, row[name]) for name in values], 2):
            left.pop(found, None)
    return rows, impossible


def _fill(
    row: Row,
    values: Mapping[str, Sequence[str]],
    fixed: set[str],
    culprits: Callable[[Row], list[set[str]]],
    left: Mapping[Pair, None],
    chance: random.Random,
) -> None:
    """Give each parameter that is not ``fixed`` the accepted value that adds the most new pairs."""
    names = [name for name in values if name not in fixed]
    chance.shuffle(names)
    settled = set(fixed)
    order = {name: number for number, name in enumerate(values)}
    for name in names:

        def gain(value: str, name: str = name) -> int:
            pairs = (
                ((name, value), (other, row[other]))
                if order[name] < order[other]
                else ((other, row[other]), (name, value))
                for other in settled
            )
            return sum(pair in left for pair in pairs)

        options = sorted(values[name], key=gain, reverse=True)
        allowed = (option for option in options if not culprits({**row, name: option}))
        row[name] = next(allowed, row[name])
        settled.add(name)


def _mended(
    row: Row,
    values: Mapping[str, Sequence[str]],
    fixed: set[str],
    culprits: Callable[[Row], list[set[str]]],
    steps: int,
) -> Row | None:
    """Return an accepted row with as few changes as possible; None if none is found."""
    objections = culprits(row)
    if not objections:
        return row
    if steps == 0:
        return None
    changes = [
        {**row, name: value}
        for name in sorted(objections[0] - fixed)
        for value in values[name]
        if value != row[name]
    ]
    for change in changes:
        changed = {name for name in row if change[name] != row[name]}
        found = _mended(change, values, fixed | changed, culprits, steps - 1)
        if found is not None:
            return found
    return None
