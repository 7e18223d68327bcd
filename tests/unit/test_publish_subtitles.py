"""Subtitles that are made to fit their film."""

from tools.publish.subtitles import end_cues

CUES = """\
WEBVTT

00:01.000 --> 00:02.500
One --> two

59:59.000 --> 01:30:00.250
Three
"""


def test_cues_end_with_the_film() -> None:
    """A cue that would outlast the film ends with it; all else stays as it is."""
    assert end_cues(CUES, 3600.5) == CUES.replace("01:30:00.250", "01:00:00.500")
    assert end_cues(CUES, 7200) == CUES
