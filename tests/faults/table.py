"""The tables of docs/faults.md, in classes of latency that are stable between runs."""

from collections.abc import Iterable, Sequence

from tests.faults.scenario import Cell

CLASSES = (0.1, 0.5, 1.0, 1.5, 3.0, 5.0, 5.5, 10.0, 25.0)
LOSS_CLASSES = (0.05, *CLASSES)
# How far a measurement may be outside the class of the committed one without changing the class.
_TOLERANCE = 0.3
_HEADER = ("Fault", "Environment")
RECOVERY = "back after"
LOSS = "later calls lose"
_NOT_MEASURED = "-"
_SUCCESS = {"200", "204"}

Row = tuple[str, str]
Table = dict[Row, dict[str, str]]
"""The cells of each row (a fault and an environment), by the name of the column."""
Tables = dict[str, Table]


def make(cells: Iterable[Cell], committed: Tables) -> Tables:
    """Return a table for each group of dependencies, by their names.

    If a measurement is near the ``committed`` one, the committed one is kept.
    """
    made: Tables = {}
    rows: dict[tuple[str, Row], list[Cell]] = {}
    for cell in cells:
        title, row = " + ".join(cell.dependencies), _row(cell)
        columns = made.setdefault(title, {}).setdefault(row, {})
        known = committed.get(title, {}).get(row, {}).get(cell.call.title, "")
        bound = _class(cell.worst_seconds, known)
        columns[cell.call.title] = f"{' or '.join(sorted(cell.outcomes))}, {bound}"
        rows.setdefault((title, row), []).append(cell)
    # Either all rows of a table have the column, or none.
    comparing = {
        title
        for (title, _), together in rows.items()
        if any(cell.lost_seconds is not None for cell in together)
    }
    for (title, row), together in rows.items():
        columns, known_columns = made[title][row], committed.get(title, {}).get(row, {})
        recovery = max(cell.recovery_seconds for cell in together)
        columns[RECOVERY] = _class(recovery, known_columns.get(RECOVERY, ""))
        losses = [cell.lost_seconds for cell in together if cell.lost_seconds is not None]
        if title in comparing:
            columns[LOSS] = (
                _class(max(losses), known_columns.get(LOSS, ""), LOSS_CLASSES)
                if losses
                else _NOT_MEASURED
            )
    return made


def regressions(made: Tables, committed: Tables) -> list[str]:
    """Return the cells that succeed in ``committed`` and fail now."""
    return [
        f"{title}, {' '.join(row)} environment, {column}: {text!r} was {known!r}"
        for title, table in made.items()
        for row, columns in table.items()
        for column, text in columns.items()
        for known in [committed.get(title, {}).get(row, {}).get(column, "")]
        if known and _outcomes(known) <= _SUCCESS and not _outcomes(text) <= _SUCCESS
    ]


def render(table: Table) -> str:
    """Return ``table`` in Markdown."""
    columns = list(next(iter(table.values())))
    lines = [(*_HEADER, *columns), ("---",) * (len(_HEADER) + len(columns))]
    lines += [(*row, *(cells[column] for column in columns)) for row, cells in table.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def parse(document: str) -> Tables:
    """Return the tables of a document that ``render`` has produced, by their headings."""
    found: Tables = {}
    title = ""
    columns: list[str] = []
    for line in document.splitlines():
        if line.startswith("#"):
            title, columns = line.lstrip("# "), []
        elif line.startswith("| "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not columns:
                columns = cells[len(_HEADER) :]
            elif cells[0] != "---":
                fault, environment, *texts = cells
                found.setdefault(title, {})[fault, environment] = dict(
                    zip(columns, texts, strict=True)
                )
    return found


def _row(cell: Cell) -> Row:
    return cell.fault.title, "warm" if cell.is_warm else "cold"


def _outcomes(text: str) -> set[str]:
    return set(text.rpartition(", ")[0].split(" or "))


def _class(seconds: float, known: str, classes: Sequence[float] = CLASSES) -> str:
    below = 0.0
    for bound in classes:
        is_near = below * (1 - _TOLERANCE) <= seconds <= bound * (1 + _TOLERANCE)
        if known.endswith(_text(bound)) and is_near:
            return _text(bound)
        below = bound
    fitting = [bound for bound in classes if seconds <= bound]
    return _text(fitting[0]) if fitting else f"{seconds:.0f} s"


def _text(bound: float) -> str:
    return f"≤ {bound:g} s"
