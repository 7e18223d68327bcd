"""The defaults of a template's parameters.

SAM keeps the former value of a parameter that a deployment does not set. Therefore a parameter that
was removed from samconfig.toml, or whose default changed, must be set to its default.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

# For the format in which SAM writes a built template: the deployment job has no YAML parser.
_SECTION = re.compile(r"^Parameters:\n((?: .*\n)*)", re.MULTILINE)
_PARAMETER = re.compile(r"^  (\w+):\n((?:    .*\n)*)", re.MULTILINE)
_DEFAULT = re.compile(r"^    Default: (.*)$", re.MULTILINE)


def read(template: Path) -> dict[str, str]:
    """Return the defaults of a built template's parameters, without those that have none."""
    section = _SECTION.search(template.read_text("utf-8"))
    found = {}
    for name, properties in _PARAMETER.findall(section[1] if section else ""):
        if default := _DEFAULT.search(properties):
            found[name] = _plain(default[1])
    return found


def resets(
    defaults: Mapping[str, str], held: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the defaults of parameters that are not given and have another value in the stack."""
    return {
        name: default
        for name, default in defaults.items()
        if name not in given and held.get(name, default) != default
    }


def _plain(scalar: str) -> str:
    if scalar.startswith("'"):
        return scalar[1:-1].replace("''", "'")
    return str(json.loads(scalar)) if scalar.startswith('"') else scalar
