"""Variables of a playlist: ``EXT-X-DEFINE`` tags and the ``{$references}`` to them.

The player loads a copy of the playlist from a different URL. Therefore a variable that takes its
value from the playlist's URL (``QUERYPARAM``) is replaced by a variable with a literal value, and
variables in references to objects of the film are substituted before signing.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from streaming.manifests.errors import ManifestTooLarge, NotAManifest
from streaming.manifests.hls.attributes import Attribute
from streaming.manifests.hls.limits import MAX_SUBSTITUTED_LENGTH, MAX_VARIABLES

_VARIABLE_REFERENCE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NOT_IN_A_QUOTED_STRING = re.compile(r'["\x00-\x1f\x7f]')


class Variables:
    """The variables that a playlist has defined so far.

    ``importable`` are the values of the parent playlist, ``query`` is the query of this playlist's
    URL. A declared variable without a value in either is *unset*. It may occur in the query of a
    reference (for example a CDN's token), which signing drops, but not in a path.
    """

    def __init__(self, importable: Mapping[str, str], query: str) -> None:
        self._importable = importable
        self._parameters = dict(parse_qsl(query, keep_blank_values=True))
        self._values: dict[str, str | None] = {}

    def define(self, attributes: Iterable[Attribute]) -> tuple[Attribute, str] | None:
        """Define the variable of one ``EXT-X-DEFINE``.

        Returns the attribute to replace and its replacement text, or None if the tag stays.
        Raises ``NotAManifest`` for an incomplete or repeated definition, and ``ManifestTooLarge``
        above the limit on variables.
        """
        if len(self._values) >= MAX_VARIABLES:
            raise ManifestTooLarge(f"the playlist has more than {MAX_VARIABLES} variables")
        by_name = {attribute.name: attribute for attribute in attributes}
        forms = [form for form in ("NAME", "IMPORT", "QUERYPARAM") if form in by_name]
        if len(forms) != 1:
            raise NotAManifest("an EXT-X-DEFINE must have one of NAME, IMPORT and QUERYPARAM")
        attribute = by_name[forms[0]]
        name = attribute.value
        if not _VARIABLE_NAME.fullmatch(name) or name in self._values:
            raise NotAManifest(f"a variable is repeated or its name is invalid: {name[:80]!r}")
        if attribute.name == "IMPORT":
            self._values[name] = self._importable.get(name)
            return None
        if attribute.name == "NAME":
            if "VALUE" not in by_name:
                raise NotAManifest(f"the variable {name!r} has no value")
            self._values[name] = self.substitute(by_name["VALUE"].value)
            return None
        value = self._values[name] = self._parameters.get(name)
        if value is not None and _NOT_IN_A_QUOTED_STRING.search(value):
            raise NotAManifest(f"the variable {name!r} has a value that no playlist can hold")
        return attribute, f'NAME="{name}",VALUE="{value or ""}"'

    def substitute(self, text: str, *, unset: str | None = None) -> str:
        """Return ``text`` with the references to variables replaced by their values.

        ``unset`` is the value of an unset variable. Raises ``NotAManifest`` for an unset variable
        if ``unset`` is None, and ``ManifestTooLarge`` if the result is longer than any URL.
        """
        if "{$" not in text:
            return text
        pieces: list[str] = []
        length = position = 0
        for match in _VARIABLE_REFERENCE.finditer(text):
            value = self._values.get(match[1])
            if value is None:
                value = unset
            if value is None:
                raise NotAManifest(f"the variable {match[1]!r} has no value")
            pieces += (text[position : match.start()], value)
            position = match.end()
            length += len(value)
            if length > MAX_SUBSTITUTED_LENGTH:
                raise ManifestTooLarge("variables make a reference longer than any URL")
        pieces.append(text[position:])
        return "".join(pieces)

    def values(self) -> tuple[tuple[str, str], ...]:
        """Return the variables that have a value, for a nested playlist to import."""
        return tuple((name, value) for name, value in self._values.items() if value is not None)
