"""The command line of ``python -m benchmarks.load``, with bounds that protect the machine."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

# The longest run has eight levels of two minutes each.
MOST_LEVELS = 8
MOST_VIEWERS = 5000
LONGEST_LEVEL_SECONDS = 120
INTERVAL_SECONDS = range(1, 61)
NAMES = ("before", "after")


@dataclass(frozen=True)
class Options:
    """What a run does.

    Args:
        viewers: The number of viewers of each level, one level after the other.
        seconds: Duration of a level: a third of it viewers arrive, a third of it they leave.
        interval: Seconds between two reports of a viewer.
        name: The name of the run in the results, ``before`` or ``after``; None keeps no results.
        commit: The commit whose service is measured; None measures this checkout.
    """

    viewers: tuple[int, ...]
    seconds: int
    interval: int
    name: str | None
    commit: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.viewers) <= MOST_LEVELS:
            raise ValueError(f"1 to {MOST_LEVELS} levels")
        if not all(1 <= each <= MOST_VIEWERS for each in self.viewers):
            raise ValueError(f"1 to {MOST_VIEWERS} viewers")
        if self.interval not in INTERVAL_SECONDS:
            raise ValueError("an interval of 1 to 60 seconds")
        if not 3 * self.interval <= self.seconds <= LONGEST_LEVEL_SECONDS:
            raise ValueError(f"a level of three intervals to {LONGEST_LEVEL_SECONDS} seconds")
        if self.name is not None and self.name not in NAMES:
            raise ValueError("the name before or after")

    @property
    def without_commit(self) -> list[str]:
        """The command line that measures its own checkout."""
        numbers = (f"--seconds={self.seconds}", f"--interval={self.interval}")
        saved = (f"--save-as={self.name}",) if self.name else ()
        return [f"--viewers={','.join(map(str, self.viewers))}", *numbers, *saved]


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line; exits with a message if one is out of bounds."""
    parser = argparse.ArgumentParser(prog="benchmarks.load", description=__doc__)
    parser.add_argument("--viewers", default="250,500,1000,2000", help="of each level")
    parser.add_argument("--seconds", type=int, default=120, help="of each level")
    parser.add_argument("--interval", type=int, default=20, help="seconds between reports")
    parser.add_argument("--save-as", choices=NAMES, help="keep the results under this name")
    parser.add_argument("--commit", help="measure the service of another commit")
    given = parser.parse_args(arguments)
    try:
        viewers = tuple(int(each) for each in given.viewers.split(","))
        return Options(viewers, given.seconds, given.interval, given.save_as, given.commit)
    except ValueError as error:
        parser.error(f"allowed are {error}")
