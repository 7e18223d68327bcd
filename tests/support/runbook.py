"""The parts of docs/runbook.md and docs/rare-operations.md."""

import re
from functools import cache

from tests.support.functions import ROOT

_QUERY = re.compile(r"^### ([a-z-]+)\n[^#]*?```logs-insights\n(.*?)\n```", re.DOTALL | re.MULTILINE)


@cache
def runbook() -> str:
    """Return the whole text."""
    return (ROOT / "docs/runbook.md").read_text("utf-8")


def queries() -> dict[str, str]:
    """Return the queries by name."""
    found = dict(_QUERY.findall(runbook()))
    assert len(found) == runbook().count("```logs-insights")
    return found


def entries() -> dict[str, str]:
    """Return the text of each alarm's entry by the alarm's name; some alarms share one."""
    alarms = runbook().partition("## Alarms\n")[2].partition("\n## ")[0]
    parts = re.split(r"^### (.+)\n", alarms, flags=re.MULTILINE)[1:]
    return {
        name: text
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
        for name in re.findall(r"`(\w+)`", heading)
    }


def procedures() -> dict[str, str]:
    """Return the manual procedures and the rare operations by their headings."""
    manual = runbook().partition("## Manual procedures\n")[2].partition("\n## ")[0]
    rare = (ROOT / "docs/rare-operations.md").read_text("utf-8")
    return {**_sections("###", manual), **_sections("##", rare)}


def _sections(level: str, text: str) -> dict[str, str]:
    parts = re.split(rf"^{level} (.+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
