"""Names in the documents exist: files, headings, make's targets, and AWS CLI operations."""

import re
import shlex
from functools import cache
from pathlib import Path

import botocore.session
import pytest

from tests.support.functions import ROOT

DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("web/*.md"))
    if path.name != "faults.md"
)
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^ *```\w*\n(.*?)^ *```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
OWN_PATH = re.compile(r"(?:tests|tools|layers|functions|local|web|infrastructure|docs)/[\w./-]+")
# Global options of the AWS CLI, in addition to those of each operation.
GLOBAL_OPTIONS = {"query", "output", "region", "profile", "cli-binary-format"}
# Commands of the AWS CLI that are not operations of a service.
OWN_COMMANDS = {("s3", "sync"), ("s3", "cp"), ("s3", "ls"), ("cloudformation", "deploy")}


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub generates them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(document: Path) -> list[str]:
    """Return the lines of a document's code, blocks and spans."""
    text = document.read_text("utf-8")
    pieces = [block or span for block, span in CODE.findall(text)]
    return [line for piece in pieces for line in piece.replace("\\\n", " ").splitlines()]


@cache
def options(service: str, operation: str) -> set[str]:
    """Return the options of an operation in the AWS CLI; an empty set if there is none."""
    model = botocore.session.get_session().get_service_model(service)
    for name in model.operation_names:
        if botocore.xform_name(name, "-") == operation:
            shape = model.operation_model(name).input_shape
            return (
                {botocore.xform_name(member, "-") for member in shape.members} if shape else set()
            )
    return set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere(document: Path) -> None:
    """Each link to a file of the project leads to an existing one, and to a heading of it."""
    for link in LINK.findall(document.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_named_files_exist(document: Path) -> None:
    """Each path in code leads to a file or folder."""
    for line in code(document):
        if OWN_PATH.fullmatch(line):
            assert (ROOT / line).exists(), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_named_targets_exist(document: Path) -> None:
    """Each `make` target in code is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for line in code(document):
        for target in re.findall(r"(?:^|&& )make ([a-z][a-z-]*)", line):
            assert target in targets, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_commands_of_the_aws_cli_exist(document: Path) -> None:
    """Each `aws` command names an existing operation and its options."""
    for line in code(document):
        if not (found := re.search(r"(?:^|\$\(|&& |; |do )\s*aws ([a-z0-9]+) ([a-z-]+)(.*)", line)):
            continue
        service, operation, rest = found.groups()
        if (service, operation) in OWN_COMMANDS:
            continue
        given = {word[2:] for word in shlex.split(rest, comments=True) if word.startswith("--")}
        taken = options(service, operation)
        assert taken, line
        assert given - GLOBAL_OPTIONS <= taken, line
