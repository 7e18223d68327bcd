"""The verdict on one manifest, from the parsers' views before and after rewriting."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from streaming.manifests import dash, hls
from streaming.manifests.errors import ManifestError
from streaming.manifests.manifest import Manifest
from tools.corpus import python_judges, quirks
from tools.corpus.addresses import DIRECTORY, ROOT, Addresses, defined_in, hosts_in, sign
from tools.corpus.differences import differences
from tools.corpus.leftovers import unsigned
from tools.corpus.node_judges import NodeJudges
from tools.corpus.representations import aligned

_HEADER = re.compile(r"\ufeff?\s*(?:#(?!EXT)[^\r\n]*\s*)*#EXTM3U\b")
_IMPORT = re.compile(r'^#EXT-X-DEFINE:.*\bIMPORT="([^"]*)"', re.MULTILINE)
_SHOWN = 3


@dataclass(slots=True)
class Verdict:
    """The verdict on a manifest.

    ``accepted`` and ``rejected`` are the parsers that accept or reject the original, ``no_film`` is
    the reason why it is not a film that can be played from a bucket, ``faults`` are the errors of
    the rewritten manifest, and ``notes`` the known errors of a parser.
    """

    accepted: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    no_film: str | None = None
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether the manifest is that of a film and at least one parser accepts it."""
        return bool(self.accepted) and self.no_film is None


class Bench:
    """All judges."""

    def __init__(self, node: NodeJudges | None) -> None:
        self._node = node

    def judge(
        self,
        body: bytes,
        manifest_format: str,
        *,
        variables: Mapping[str, str] | None = None,
        query: str = "",
    ) -> Verdict:
        """Judge a manifest twice: its hosts are foreign first, and part of the film then.

        ``variables`` are those of an HLS playlist's parent, ``query`` is that of its own URL.
        """
        path = f"{DIRECTORY}index.{'mpd' if manifest_format == 'dash' else 'm3u8'}"
        try:
            text = body.decode("utf-8-sig" if manifest_format == "dash" else "utf-8")
        except UnicodeDecodeError:
            text = body.decode("utf-16" if manifest_format == "dash" else "latin-1", "replace")
        if variables is None:
            # It is judged without its parent, so imported variables get a substitute value.
            variables = dict.fromkeys(_IMPORT.findall(text), "imported")
        defined = {**variables, **defined_in(text, query)} if manifest_format == "hls" else {}
        hosts = hosts_in(text)
        verdict = Verdict()
        before = self.see(manifest_format, text, Addresses(path, query=query), variables)
        for name, seen in before.items():
            if "error" in seen:
                verdict.rejected[name] = seen["error"]
            else:
                verdict.accepted.append(name)
        verdict.no_film = _why_no_film(manifest_format, text, before)
        for roots in [(ROOT,), (ROOT, *hosts)][: 1 + bool(hosts)]:
            addresses = Addresses(path, roots, defined, query)
            prefix = "" if roots == (ROOT,) else "with its hosts in the film: "
            try:
                manifest = _parse(manifest_format, body, addresses, variables, query)
            except ManifestError as error:
                verdict.faults.append(f"{prefix}refused: {type(error).__name__}: {error}")
                continue
            rewritten = manifest.render(sign).decode()
            if roots != (ROOT,) and manifest_format == "dash":
                before |= python_judges.see(manifest_format, text, addresses)
            after = self.see(manifest_format, rewritten, addresses, variables)
            faults = _compare(
                manifest_format, (text, rewritten), (before, after), addresses, verdict
            )
            verdict.faults += [prefix + fault for fault in islice(faults, _SHOWN)]
        return verdict

    def see(
        self,
        manifest_format: str,
        text: str,
        addresses: Addresses,
        variables: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return each parser's result by its name: ``{"view": ...}`` or ``{"error": "..."}``."""
        seen = python_judges.see(manifest_format, text, addresses)
        if self._node is not None:
            seen |= self._node.see(manifest_format, text, addresses, dict(variables or {}))
        return seen


def _compare(
    manifest_format: str,
    texts: tuple[str, str],
    seen: tuple[dict[str, Any], dict[str, Any]],
    addresses: Addresses,
    verdict: Verdict,
) -> Iterator[str]:
    for place in unsigned(manifest_format, texts[1], addresses):
        yield f"not signed: {place}"
    before, after = seen
    for name in verdict.accepted:
        found = list(islice(_differences(name, before[name], after[name], addresses), _SHOWN))
        if found and (quirk := quirks.known(name, texts[0])):
            if quirk not in verdict.notes:
                verdict.notes.append(quirk)
        else:
            yield from (f"{name}: {difference}" for difference in found)


def _differences(name: str, before: Any, after: Any, addresses: Addresses) -> Iterator[str]:
    if "error" in after:
        yield f"rejects it: {after['error']}"
        return
    views = (before["view"], after["view"])
    if name == "mpd-parser":
        views = aligned(*views, addresses)
    yield from differences(*views, addresses)


def _parse(
    manifest_format: str,
    body: bytes,
    addresses: Addresses,
    variables: Mapping[str, str],
    query: str,
) -> Manifest:
    if manifest_format == "dash":
        return dash.parse(body, path=addresses.path, film=addresses.film)
    return hls.parse(
        body, path=addresses.path, film=addresses.film, variables=variables, query=query
    )


def _why_no_film(manifest_format: str, text: str, seen: dict[str, Any]) -> str | None:
    if manifest_format == "hls":
        return None if _HEADER.match(text) else "no #EXTM3U: clients must not play it (RFC 8216)"
    for name in ("mpegdash", "the standard"):
        if "broken XML" in seen[name].get("error", ""):
            return f"{name}: {seen[name]['error']}"
    if seen["the standard"].get("endless"):
        return "a live presentation: its segments have no end"
    return None
