"""URL templates of a SegmentTemplate (ISO/IEC 23009-1, 5.3.9.4.4)."""

import re
import string
from dataclasses import dataclass
from urllib.parse import quote

from streaming.manifests.dash.limits import check_url_length
from streaming.manifests.errors import NotAManifest

_IDENTIFIER = re.compile(r"\$(?:([A-Za-z]+)(?:%0?([0-9]{1,2})([diouxX]))?)?\$")
_LARGEST = 10**20
_CONVERSIONS = {"d": "d", "i": "d", "u": "d", "o": "o", "x": "x", "X": "X"}


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """A template of one representation; only number and time are still variable.

    >>> UrlTemplate.of("$RepresentationID$/$Number%03d$.m4s", "v1", None).url(number=7)
    'v1/007.m4s'
    """

    pattern: str
    names: frozenset[str]

    @property
    def longest(self) -> int:
        """The maximum length of a URL in bytes, with padded numbers of 21 digits or more."""
        return len(
            quote(self.pattern % {"Number": _LARGEST, "Time": _LARGEST}, safe=string.punctuation)
        )

    @classmethod
    def of(
        cls,
        text: str,
        representation_id: str | None,
        bandwidth: str | None,
        *,
        per_segment: bool = True,
    ) -> "UrlTemplate":
        """Parse a template and substitute the identifiers that are constant in a representation.

        Without ``per_segment`` the template is that of an object shared by all segments: number
        and time are undefined there and stay as written, as in players. Raises ``NotAManifest``
        for an identifier that has no value and ``ManifestTooLarge`` for a URL that is too long.
        """
        constants = {"RepresentationID": representation_id, "Bandwidth": bandwidth}
        names = set()
        pattern: list[str] = []
        end = 0
        for match in _IDENTIFIER.finditer(text):
            pattern.append(_literal(text[end : match.start()]))
            end = match.end()
            name, width, conversion = match.groups()
            if name is None:
                pattern.append("$")
            elif name in ("Number", "Time") and not per_segment:
                pattern.append(_literal(match[0]))
            elif name in ("Number", "Time"):
                names.add(name)
                pattern.append(f"%({name})0{width or 1}{_CONVERSIONS[conversion or 'd']}")
            else:
                pattern.append(_literal(_constant(name, constants.get(name), width, conversion)))
        pattern.append(_literal(text[end:]))
        template = cls(check_url_length("".join(pattern)), frozenset(names))
        check_url_length(template.url())
        return template

    def url(self, number: int = 0, time: int = 0) -> str:
        """Return the URL of the segment with this number and time."""
        return self.pattern % {"Number": number, "Time": time}


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _constant(name: str, value: str | None, width: str | None, conversion: str | None) -> str:
    if value is None:
        raise NotAManifest(f"a template's ${name}$ cannot be filled in")
    if name == "RepresentationID" or width is None:
        return value
    if not re.fullmatch("[0-9]{1,20}", value):
        raise NotAManifest(f"@bandwidth is not an integer: {value[:40]!r}")
    return f"%0{width}{_CONVERSIONS[conversion or 'd']}" % int(value)
