"""Films of a few seconds in every layout that a bucket may contain, made by ffmpeg."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg

SECONDS = 12
HEIGHTS = (90, 180)
KEY = bytes(range(16))

_PICTURES = [
    f"-f lavfi -i testsrc2=s={height * 16 // 9}x{height}:r=25:d={SECONDS}".split()
    for height in HEIGHTS
]
_TONE = f"-f lavfi -i sine=330:d={SECONDS}".split()
_ENCODE = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-g",
    "50",
    "-keyint_min",
    "50",
    "-sc_threshold",
    "0",
]
_SOUND = ["-c:a", "aac", "-ar", "48000", "-ac", "2"]
_HLS = "-f hls -hls_time 2 -hls_playlist_type vod -master_pl_name index.m3u8".split()  # noqa: SIM905
_TWO_VARIANTS = ["-var_stream_map", "v:0,a:0 v:1,a:1"]
_DASH = ["-f", "dash", "-seg_duration", "2"]


def transport_stream(folder: Path) -> None:
    """HLS over MPEG-TS, each rendition in a separate folder."""
    _hls(folder, "-hls_segment_filename", "v%v/seg%03d.ts", "v%v/media.m3u8")


def fragmented_mp4(folder: Path) -> None:
    """HLS over fMP4 with EXT-X-MAP."""
    _hls(
        folder,
        *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init%v.mp4"),
        *("-hls_segment_filename", "v%v/seg%03d.m4s", "v%v/media.m3u8"),
    )


def byte_range(folder: Path) -> None:
    """HLS whose segments are ranges of one file per rendition."""
    _hls(
        folder,
        *("-hls_flags", "single_file", "-hls_segment_type", "fmp4"),
        *("-hls_segment_filename", "v%v/film.mp4", "v%v/media.m3u8"),
    )


def encrypted(folder: Path) -> None:
    """HLS encrypted with AES-128, with its key in the film's folder."""
    (folder / "key.bin").write_bytes(KEY)
    info = folder / "key.info"
    info.write_text(f"../key.bin\n{folder / 'key.bin'}\n")
    _hls(
        folder,
        *("-hls_key_info_file", str(info)),
        *("-hls_segment_filename", "v%v/seg%03d.ts", "v%v/media.m3u8"),
    )
    info.unlink()


def incomplete_hls(folder: Path) -> None:
    """HLS with a missing and an empty variant, and playlists in Latin-1 and UTF-16."""
    transport_stream(folder)
    with (folder / "index.m3u8").open("a") as playlist:
        for number, name in enumerate(("missing", "empty")):
            tag = f"#EXT-X-STREAM-INF:BANDWIDTH={number + 9}000000,RESOLUTION=1280x720"
            playlist.write(f'{tag},NAME="The "{name}" one"\n{name}.m3u8\n')
        playlist.write('#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="missing-frames.m3u8"\n')
    (folder / "empty.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n")
    for name, encoding in (("v0", "latin-1"), ("v1", "utf-16")):
        playlist_path = folder / name / "media.m3u8"
        text = playlist_path.read_text().replace(",\n", ",Caf\xe9\n")
        playlist_path.write_bytes(text.encode(encoding))


def with_interstitial(folder: Path, segments: int) -> None:
    """HLS over MPEG-TS with an interstitial of that many segments, of which a second is played."""
    transport_stream(folder)
    tags = (
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n"
        '#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",'
        'START-DATE="2026-01-01T00:00:02Z",X-ASSET-URI="../ad.m3u8",X-RESUME-OFFSET=0,'
        "X-PLAYOUT-LIMIT=1\n#EXTINF"
    )
    for name in ("v0", "v1"):
        playlist = folder / name / "media.m3u8"
        playlist.write_text(playlist.read_text().replace("#EXTINF", tags, 1))
    ad = "#EXTINF:2,\nv0/seg000.ts\n#EXT-X-DISCONTINUITY\n" * segments
    (folder / "ad.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n{ad}#EXT-X-ENDLIST\n"
    )


def numbered(folder: Path) -> None:
    """DASH whose template numbers segments: $Number$."""
    _dash(folder, *["-use_template", "1", "-use_timeline", "0"])


def incomplete_dash(folder: Path) -> None:
    """DASH with missing remote elements, an empty slot, and URL parameters (Annex I)."""
    numbered(folder)
    manifest = folder / "index.mpd"
    text = manifest.read_text().replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    parameters = (
        '<EssentialProperty schemeIdUri="urn:mpeg:dash:urlparam:2014"><up:UrlQueryInfo'
        ' xmlns:up="urn:mpeg:dash:schema:urlparam:2014" queryTemplate="$querypart$"'
        ' useMPDUrlQuery="true"/></EssentialProperty><Representation'
    )
    text = text.replace("<Representation", parameters, 1)
    missing = 'xlink:href="missing.xml" xlink:actuate="onLoad"'
    zero = 'xlink:href="urn:mpeg:dash:resolve-to-zero:2013" xlink:actuate="onLoad"'
    text = text.replace("</Period>", f"<AdaptationSet {missing}/></Period>")
    slots = f"<Period {zero}/><Period {missing}/>"
    text = text.replace("</MPD>", f"{slots}<Period {missing}/></MPD>")
    manifest.write_text(text)


def timed(folder: Path) -> None:
    """DASH whose template names segments by their time: $Time$ and a SegmentTimeline."""
    # ffmpeg gives the first AAC segment a negative time, which contradicts its own manifest.
    names = ["-media_seg_name", "chunk-$RepresentationID$-$Time$.m4s"]
    _dash(folder, *["-use_template", "1", "-use_timeline", "1"], *names, sound=False)


def on_demand(folder: Path) -> None:
    """DASH whose representations are one file each, with an index: SegmentBase."""
    for number, picture in enumerate(_PICTURES):
        _ffmpeg(
            folder,
            *(*picture, *_ENCODE, "-movflags", "+dash+delay_moov+global_sidx+skip_trailer"),
            *("-frag_duration", "2000000", "-f", "mp4", f"video{number}.mp4"),
        )
    movflags = ["-movflags", "+dash+delay_moov+global_sidx+skip_trailer"]
    _ffmpeg(
        folder, *_TONE, *_SOUND, *movflags, "-frag_duration", "2000000", "-f", "mp4", "audio.mp4"
    )
    video = "".join(
        _representation(folder, f"video{number}.mp4", f'width="{h * 16 // 9}" height="{h}"')
        for number, h in enumerate(HEIGHTS)
    )
    audio = _representation(folder, "audio.mp4", 'audioSamplingRate="48000"')
    (folder / "index.mpd").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT2S" '
        f'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" '
        f'mediaPresentationDuration="PT{SECONDS}S"><Period>'
        f'<AdaptationSet contentType="video" mimeType="video/mp4" codecs="avc1.42c00d" '
        f'subsegmentAlignment="true" subsegmentStartsWithSAP="1">{video}</AdaptationSet>'
        f'<AdaptationSet contentType="audio" mimeType="audio/mp4" codecs="mp4a.40.2" lang="en" '
        f'subsegmentAlignment="true" subsegmentStartsWithSAP="1">{audio}</AdaptationSet>'
        "</Period></MPD>\n"
    )


HLS: dict[str, Callable[[Path], None]] = {
    "transport_stream": transport_stream,
    "fragmented_mp4": fragmented_mp4,
    "byte_range": byte_range,
    "encrypted": encrypted,
    "incomplete_hls": incomplete_hls,
}
DASH: dict[str, Callable[[Path], None]] = {
    "numbered": numbered,
    "timed": timed,
    "on_demand": on_demand,
    "incomplete_dash": incomplete_dash,
}


def source(path: Path) -> None:
    """Make an mp4 with two languages and a subtitle track, as input of a publication."""
    cues = path.with_suffix(".srt")
    cues.write_text("1\n00:00:00,500 --> 00:00:11,000\nGuten Tag\n")
    _ffmpeg(
        path.parent,
        *_PICTURES[-1],
        *_TONE,
        *f"-f lavfi -i sine=660:d={SECONDS}".split(),
        *("-i", str(cues), "-map", "0", "-map", "1", "-map", "2", "-map", "3"),
        *(*_ENCODE, *_SOUND, "-c:s", "mov_text"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"),
        *("-metadata:s:s:0", "language=ger", str(path)),
    )


def _hls(folder: Path, *output: str) -> None:
    inputs = [*_PICTURES[0], *_PICTURES[1], *_TONE]
    tracks = ["-map", "0:v", "-map", "2:a", "-map", "1:v", "-map", "2:a"]
    _ffmpeg(folder, *inputs, *tracks, *_ENCODE, *_SOUND, *_HLS, *_TWO_VARIANTS, *output)


def _dash(folder: Path, *options: str, sound: bool = True) -> None:
    inputs = [*_PICTURES[0], *_PICTURES[1], *(_TONE if sound else [])]
    tracks = ["-map", "0:v", "-map", "1:v", *(["-map", "2:a"] if sound else [])]
    sets = "id=0,streams=v id=1,streams=a" if sound else "id=0,streams=v"
    _ffmpeg(
        folder,
        *(*inputs, *tracks, *_ENCODE, *(_SOUND if sound else [])),
        *(*_DASH, *options, "-adaptation_sets", sets, "index.mpd"),
    )


def _representation(folder: Path, name: str, attributes: str) -> str:
    data = (folder / name).read_bytes()
    sidx = data.index(b"sidx") - 4
    size = int.from_bytes(data[sidx : sidx + 4], "big")
    return (
        f'<Representation id="{name}" bandwidth="{len(data) * 8 // SECONDS}" {attributes}>'
        f"<BaseURL>{name}</BaseURL>"
        f'<SegmentBase indexRange="{sidx}-{sidx + size - 1}">'
        f'<Initialization range="0-{sidx - 1}"/></SegmentBase></Representation>'
    )


def _ffmpeg(folder: Path, *arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr.decode(errors="replace")
