"""An independent parser finds the same manifest before and after, except for its URLs."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from mpegdash.parser import MPEGDASHParser

from tests.unit.manifests.dash.manifests import SIGNED, before_and_after, rewrite

HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" id="film"
     profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" minBufferTime="PT2S"
     publishTime="2026-02-03T04:05:06Z" mediaPresentationDuration="PT0H0M9.5S">
  <ProgramInformation lang="en"><Title>A film &amp; more</Title></ProgramInformation>
"""

PROTECTED = """\
      <ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc"
        cenc:default_KID="0123abcd-0000-0000-0000-000000000000"><cenc:pssh>AAAA</cenc:pssh>
      </ContentProtection>
"""

LIVE_PROFILE = f"""\
{HEAD}  <Period id="p1" duration="PT4S">
    <AdaptationSet id="1" contentType="video" segmentAlignment="true" maxWidth="1280">
{PROTECTED}      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <SegmentTemplate timescale="12800" startNumber="3" presentationTimeOffset="100"
          initialization="v/$RepresentationID$/init.mp4" media="v/$RepresentationID$/$Time$.m4s">
        <SegmentTimeline><S t="100" d="25600"/><S d="12800" r="1"/></SegmentTimeline>
      </SegmentTemplate>
      <Representation id="hd" bandwidth="900000" width="1280" height="720" codecs="avc1.64001f"/>
      <Representation id="sd" bandwidth="300000" width="640" height="360" codecs="avc1.64001e"/>
    </AdaptationSet>
    <AdaptationSet id="2" contentType="audio" lang="en">
      <Representation id="a" bandwidth="96000" audioSamplingRate="48000" codecs="mp4a.40.2">
        <AudioChannelConfiguration value="2"
          schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011"/>
        <BaseURL>../audio/</BaseURL>
        <SegmentTemplate timescale="48000" duration="96000" initialization="init.mp4"
          media="seg-$Number%05d$-$Bandwidth$.m4s"/>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="3" contentType="text" lang="de">
      <Representation id="t" bandwidth="100" mimeType="text/vtt">
        <BaseURL>../subs/de.vtt</BaseURL>
      </Representation>
    </AdaptationSet>
  </Period>
  <Period id="p2">
    <BaseURL>https://ads.example/</BaseURL>
    <AdaptationSet id="1" contentType="video">
      <SegmentTemplate timescale="1" duration="2" media="$Number$.m4s"/>
      <Representation id="ad" bandwidth="900000"/>
    </AdaptationSet>
  </Period>
</MPD>
"""

ON_DEMAND = f"""\
{HEAD}  <BaseURL>media/</BaseURL>
  <Period>
    <AdaptationSet id="1" contentType="video" subsegmentAlignment="true">
      <Representation id="hd" bandwidth="900000" width="1280" height="720">
        <BaseURL>hd.mp4</BaseURL>
        <SegmentBase timescale="12800" indexRange="867-910" indexRangeExact="true">
          <Initialization range="0-866"/>
        </SegmentBase>
      </Representation>
      <Representation id="sd" bandwidth="300000" width="640" height="360">
        <BaseURL>sd.mp4</BaseURL>
        <SegmentBase timescale="12800" indexRange="867-910">
          <Initialization sourceURL="sd-init.mp4"/>
          <RepresentationIndex sourceURL="sd.sidx"/>
        </SegmentBase>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"""

LISTS = f"""\
{HEAD}  <Period>
    <AdaptationSet id="1" contentType="video">
      <Representation id="hd" bandwidth="900000">
        <SegmentList timescale="10" duration="50" startNumber="2">
          <Initialization sourceURL="hd/init.mp4" range="0-99"/>
          <SegmentURL media="hd/1.m4s" mediaRange="0-99"/>
          <SegmentURL media="hd/2.m4s" index="hd/2.sidx" indexRange="5-9"/>
        </SegmentList>
      </Representation>
      <Representation id="sd" bandwidth="300000">
        <BaseURL>sd.mp4</BaseURL>
        <SegmentList timescale="10">
          <Initialization range="0-99"/>
          <SegmentTimeline><S t="0" d="50"/><S d="45"/></SegmentTimeline>
          <SegmentURL mediaRange="100-199"/>
          <SegmentURL mediaRange="200-299"/>
        </SegmentList>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"""

MANIFESTS = {"live profile": LIVE_PROFILE, "on demand": ON_DEMAND, "lists": LISTS}
_URLS = {"media", "source_url", "index", "base_url_value"}
_SEGMENTS = {"segment_templates", "segment_lists", "base_urls"}


def seen(node: Any, without: set[str]) -> Any:
    """Return mpegdash's result without the members named in ``without``."""
    if isinstance(node, list):
        return [seen(each, without) for each in node]
    if hasattr(node, "__dict__"):
        kept = {name: value for name, value in vars(node).items() if name not in without}
        return {name: seen(value, without) for name, value in kept.items() if value is not None}
    return node


@pytest.mark.parametrize("text", MANIFESTS.values(), ids=MANIFESTS)
def test_mpegdash(text: str) -> None:
    """Everything that mpegdash reads except segments is the same before and after."""
    before, after = (MPEGDASHParser.parse(each) for each in (text, rewrite(text)))
    assert seen(before, _SEGMENTS | _URLS) == seen(after, _SEGMENTS | _URLS)


@pytest.mark.parametrize("text", [ON_DEMAND, LISTS], ids=["on demand", "lists"])
def test_mpegdash_segments(text: str) -> None:
    """Without templates, segments are also the same except for their URLs."""
    before, after = (MPEGDASHParser.parse(each) for each in (text, rewrite(text)))
    # BaseURL elements inside the film are removed above the representations.
    before.base_urls = None
    assert seen(before, _URLS) == seen(after, _URLS)


@pytest.mark.parametrize("text", MANIFESTS.values(), ids=MANIFESTS)
def test_segments(text: str) -> None:
    """Every segment keeps its URL, range and time, and is signed if inside the film."""
    before, after = before_and_after(text)
    assert before == after


def outside_of_segments(text: str) -> str:
    """Return the canonical form without segment information and BaseURLs."""
    root = ET.fromstring(text)
    for parent in root.iter():
        for child in list(parent):
            if re.search("}(BaseURL|Segment(Template|List|Base))$", child.tag):
                parent.remove(child)
    return ET.canonicalize(ET.tostring(root), strip_text=True)


@pytest.mark.parametrize("text", MANIFESTS.values(), ids=MANIFESTS)
def test_only_urls_differ(text: str) -> None:
    """Outside of segment information and BaseURL nothing differs."""
    rewritten = rewrite(text)
    assert outside_of_segments(text) == outside_of_segments(rewritten)
    assert SIGNED in rewritten
