"""The release: a value that identifies what is deployed.

Functions publish a version when the release changes, so it depends on every artefact and every
parameter. SAM names a function's version after the first ten characters; the rest is the digest of
the content.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NAMING = 10
_CONTENT = 22
_REFERENCE = re.compile(r"^\s+(?:CodeUri|ContentUri|TemplateURL):\s*(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Deployed:
    """The stack before the deployment: its status, its release, and the time of its last change."""

    status: str
    release: str
    changed: str


def content(template: Path, parameters: Mapping[str, str]) -> str:
    """Return a digest of a built template, the files that it refers to, and the parameters."""
    text = template.read_text("utf-8")
    digest = hashlib.sha256()
    for name in sorted(set(_REFERENCE.findall(text))):
        for file in _files(template.parent / name):
            _add(digest, str(file.relative_to(template.parent / name)).encode())
            _add(digest, file.read_bytes())
    _add(digest, _REFERENCE.sub("", text).encode())
    for name in sorted(parameters):
        _add(digest, f"{name}={parameters[name]}".encode())
    return digest.hexdigest()


def value(content: str, deployed: Deployed | None) -> str:
    """Return the release for a content.

    If the stack already has this content and was not rolled back, its release is kept and nothing
    changes. After a rollback the same content gets another release: Lambda keeps the version
    published before the rollback, and CloudFormation refuses to publish it again.
    """
    told = content[:_CONTENT]
    if deployed is None:
        return content[-_NAMING:] + told
    is_rolled_back = "ROLLBACK" in deployed.status
    if not is_rolled_back:
        is_same = deployed.release[_NAMING:] == told
        return deployed.release if is_same else content[-_NAMING:] + told
    salted = hashlib.sha256(f"{content} {deployed.changed}".encode()).hexdigest()
    return salted[:_NAMING] + told


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = [each for each in sorted(path.rglob("*")) if each.is_file()]
    return [each for each in files if "__pycache__" not in each.relative_to(path).parts]


def _add(digest: "hashlib._Hash", data: bytes) -> None:
    digest.update(len(data).to_bytes(8) + data)
