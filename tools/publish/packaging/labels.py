"""Unique names of tracks: the title in the source, or else the language."""

from collections.abc import Sequence

from tools.publish.languages import language_of
from tools.publish.packaging.film import Label
from tools.publish.source import Track

# Default titles that muxers write for unnamed tracks.
_NO_TITLES = frozenset({"SoundHandler", "SubtitleHandler", "Stereo", "Mono", "Surround"})


def labels_of(tracks: Sequence[Track]) -> list[Label]:
    """Return a label with a unique name for each track."""
    labels: list[Label] = []
    for number, track in enumerate(tracks, 1):
        language = language_of(track.language)
        title = " ".join(track.title.replace('"', "'").split())
        name = title if title not in _NO_TITLES else ""
        name = name or (language.name if language else f"Track {number}")
        taken = {label.name for label in labels}
        unique = next(
            each
            for each in (name, *(f"{name} {n}" for n in range(2, number + 2)))
            if each not in taken
        )
        labels.append(Label(unique, language.tag if language else None, track.dispositions))
    return labels
