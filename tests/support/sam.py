"""SAM's transformation of templates, which CloudFormation applies when it creates a change set."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

Json = dict[str, Any]

# It warns at each transformation that no feature toggle is configured.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


def sam_transformed(template: Json, parameters: Mapping[str, str], region: str) -> Json:
    """Apply SAM's transformation. Raises samtranslator's ``InvalidDocumentException``."""
    return _transformed(template, _by_type(template, parameters), region)


class Transformation:
    """SAM's transformation of one template with many parameters.

    It takes a fifth of a second and reads only a few parameters. So a result is used again for all
    parameters that have the values that SAM has read for it.
    """

    def __init__(self, template: Json, region: str) -> None:
        self._template = template
        self._region = region
        self._results: list[tuple[frozenset[str], Json, Json]] = []

    def of(self, parameters: Mapping[str, str]) -> Json:
        """Return the transformed template, which the caller must not change."""
        given = _by_type(self._template, parameters)
        for names, read, result in self._results:
            if names == given.keys() and all(given[name] == read[name] for name in read):
                return result
        passed = _Passed(given)
        result = _transformed(self._template, passed, self._region)
        read = {name: given[name] for name in passed.read & given.keys()}
        self._results.append((frozenset(given), read, result))
        return result


class _Passed(dict[str, Any]):
    """Parameters that record which of them SAM reads, from the time when it has copied them.

    Before, it only converts the type of each. Whether a parameter is given is no reading.
    """

    def __init__(self, parameters: Json, read: set[str] | None = None) -> None:
        super().__init__(parameters)
        self.read = set() if read is None else read

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Copied":
        return _Copied(self, self.read)


class _Copied(_Passed):
    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def keys(self) -> Any:
        self.read.update(super().keys())
        return super().keys()

    def items(self) -> Any:
        self.read.update(super().keys())
        return super().items()

    def values(self) -> Any:
        self.read.update(super().keys())
        return super().values()


class _Policies:
    """The managed policies that SAM looks up by name."""

    def load(self) -> dict[str, str]:
        """Return none, because SAM includes those that it adds itself."""
        return {}


def _transformed(template: Json, parameters: Json, region: str) -> Json:
    # Not at the import of this module: many tests that transform no template import it.
    from samtranslator.translator.transform import transform

    copied = json.loads(json.dumps(template))
    # SAM takes the region from the environment.
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": region}):
        result: Json = transform(copied, parameters, _Policies())
    return result


def _by_type(template: Json, parameters: Mapping[str, str]) -> Json:
    """Return the parameters as CloudFormation passes them to a macro: lists as lists."""
    kinds = {name: item["Type"] for name, item in template.get("Parameters", {}).items()}
    return {
        name: value.split(",") if kinds[name] == "CommaDelimitedList" else value
        for name, value in parameters.items()
    }
