"""A corpus with files that no parser ever finishes."""

from pathlib import Path

import pytest

from tools.corpus.__main__ import main

SINCE_1970 = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" minBufferTime="PT2S"
  profiles="urn:mpeg:dash:profile:isoff-live:2011" availabilityStartTime="1970-01-01T00:00:00Z">
  <Period id="0" start="PT0S"><AdaptationSet mimeType="video/mp4">
    <SegmentTemplate timescale="1" duration="2" media="$Number$.m4s" initialization="i.mp4"/>
    <Representation id="v" bandwidth="1000" codecs="avc1.42c00c"/>
  </AdaptationSet></Period>
</MPD>
"""
FILM = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n"


def test_one_file_does_not_keep_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check of a fifty-year presentation is stopped after a time, and the rest is checked."""
    (tmp_path / "1.mpd").write_text(SINCE_1970)
    (tmp_path / "2.m3u8").write_text(FILM)

    assert main([str(tmp_path)], seconds=15) == 0

    told = capsys.readouterr().out
    assert "1 of 1 manifests pass" in told
    assert "1 are not counted" in told


def test_a_file_larger_than_the_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is larger than any manifest is not read as a whole, and the rest is checked."""
    with (tmp_path / "1.mpd").open("wb") as file:
        file.truncate(2**42)  # sparse: it needs no space
    (tmp_path / "2.m3u8").write_text(FILM)

    assert main([str(tmp_path)]) == 0

    told = capsys.readouterr().out
    assert "1.mpd\n    larger than 16 MiB" in told
    assert "1 of 1 manifests pass" in told
