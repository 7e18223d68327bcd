"""The runbook itself: each alarm's entry is complete, and its queries are saved."""

import re

import pytest

from tests.support.logs_insights import QueryError, log_events, run
from tests.support.runbook import entries, procedures, queries, runbook
from tests.support.stacks import Stack

PARTS = ("**Viewers see**", "**Look**", "**Do**", "**Over when**")
GROUPS = ["/streaming/films/start", "/streaming/films/stop"]


@pytest.mark.parametrize("alarm", entries())
def test_entry_has_four_parts(alarm: str) -> None:
    """Each entry states the effect on viewers, where to look, what to do and when it is over."""
    found = re.findall(r"^- (\*\*[A-Z][a-z]+(?: [a-z]+)?\*\*)", entries()[alarm], re.MULTILINE)

    assert tuple(found) == PARTS


@pytest.mark.parametrize("procedure", procedures())
def test_procedure_has_four_parts(procedure: str) -> None:
    """So does each manual procedure and each rare operation; some also have prerequisites."""
    found = re.findall(
        r"^- \*\*(Viewers see|Look|Do|Over when|It is over when)\*\*",
        procedures()[procedure],
        re.MULTILINE,
    )

    assert found[:3] == ["Viewers see", "Look", "Do"]
    assert [each.lower().removeprefix("it is ") for each in found[3:]] == ["over when"]


def test_entries_name_queries_that_exist() -> None:
    """Every name with a hyphen in an entry is a query of the runbook, and each query is used."""
    look = "".join(entries().values()) + runbook().partition("## Queries")[0]
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", look))

    assert {name for name in named if "-" in name} <= queries().keys()
    assert queries().keys() - named == {"refusals"}


def test_queries_are_saved() -> None:
    """The stack saves exactly the runbook's queries, over the log groups of all functions."""
    parameters = {"ServiceName": "films", "LogGroups": ",".join(GROUPS)}
    stack = Stack(parameters, path="infrastructure/queries.yaml")
    saved = stack.of_type("AWS::Logs::QueryDefinition").values()

    assert {each["Name"]: each["QueryString"] for each in saved} == {
        f"films/{name}": query for name, query in queries().items()
    }
    assert all(each["LogGroupNames"] == GROUPS for each in saved)
    own = {name for name in Stack().resources if name.endswith("LogGroup")} - {"ApiLogGroup"}
    listed = Stack().template["Resources"]["Queries"]["Properties"]["Parameters"]["LogGroups"]
    assert {each["Ref"] for each in listed["Fn::Join"][1]} == own


LINES = """\
START RequestId: 1
{"level": "ERROR", "code": "b", "n": {"m": 1}}
{"level": "ERROR", "code": "a"}
{"level": "INFO", "code": "a", "message": "not [ERROR]"}
"""


def test_evaluator() -> None:
    """Queries have the documented meaning: fields, filters, groups, order and a limit."""
    events = log_events("/streaming/films/start", LINES)

    assert [row["@message"][:5] for row in run('filter not level = "ERROR"', events)] == [
        "START",
        '{"lev',
    ]
    counted = run("filter ispresent(code) | stats count(*) as n by code | sort n desc", events)
    assert counted == [{"code": "a", "n": 2}, {"code": "b", "n": 1}]
    assert run("filter n.m in [1, 2] | fields code", events) == [{"code": "b"}]
    found = run('filter (code = "b" or message like /ERR/) and level like "R" | limit 1', events)
    assert len(found) == 1
    assert run("filter ispresent(level) | fields code | sort code desc | limit 1", events) == [
        {"code": "b"}
    ]


@pytest.mark.parametrize(
    "query", ["filter a ~ 1", "parse @message", "filter (a = 1", "stats n by m"]
)
def test_evaluator_refuses(query: str) -> None:
    """A query that the evaluator does not support is an error, not an empty result."""
    with pytest.raises(QueryError):
        run(query, [{}])
