"""Tables of the generated documents, in Markdown."""

from collections.abc import Iterable, Iterator, Sequence


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False
) -> Iterator[str]:
    """Yield the lines of a table; ``numbers`` aligns all columns but the first to the right."""
    yield _row(head)
    others = "---:" if numbers else "---"
    yield f"|---|{f'{others}|' * (len(head) - 1)}"
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
