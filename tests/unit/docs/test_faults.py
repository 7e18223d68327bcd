"""docs/faults.md, which `make faults` writes, is whole and tells of no broken promise."""

import pytest

from tests.faults.__main__ import main
from tests.faults.calls import CALLS
from tests.faults.document import render_document
from tests.faults.faults import FAULTS, Fault
from tests.faults.promises import (
    LOST_NOISE_SECONDS,
    LOST_SECONDS,
    RECOVERY_SECONDS,
    allowed_outcomes,
    allowed_seconds,
    is_promised_to_lose_little,
)
from tests.faults.table import LOSS, RECOVERY, parse
from tests.support.functions import ROOT
from tests.support.proxies import DEPENDENCIES

DOCUMENT = (ROOT / "docs" / "faults.md").read_text("utf-8")
TABLES = parse(DOCUMENT)


def test_nobody_wrote_into_it() -> None:
    """What stands around the tables is what the generator puts there."""
    assert render_document(TABLES) == DOCUMENT


@pytest.mark.parametrize("environment", ["warm", "cold"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.title)
@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_every_cell_keeps_its_promise(dependency: str, fault: Fault, environment: str) -> None:
    """Each dependency under each fault has an answer of each call, in time, and comes back."""
    row = TABLES[dependency][fault.title, environment]
    assert set(row) - {LOSS} == {call.title for call in CALLS} | {RECOVERY}
    for call in CALLS:
        outcomes, _, bound = row[call.title].rpartition(", ")
        assert set(outcomes.split(" or ")) <= allowed_outcomes([dependency], fault, call)
        assert _seconds(bound) <= allowed_seconds([dependency], call)
    if is_promised_to_lose_little([dependency], fault, CALLS[0]) and environment == "warm":
        assert _seconds(row[LOSS]) <= LOST_SECONDS + LOST_NOISE_SECONDS
    assert _seconds(row[RECOVERY]) <= RECOVERY_SECONDS


@pytest.mark.parametrize(
    "words", [["nosuch"], ["redis", "nosuch"], ["redis", "kafka"], ["all", "cut"]]
)
def test_what_cannot_be_broken(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Words that no scenario has are refused with those there are, and nothing is measured."""
    assert main(words) == 2
    written = capsys.readouterr()
    assert " ".join(words) in written.err
    for known in ("postgres", "all", "refused", "killed"):
        assert known in written.err
    assert written.out == ""


def _seconds(text: str) -> float:
    return float(text.removeprefix("≤ ").removesuffix(" s"))
