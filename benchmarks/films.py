"""The manifests of films of any length, the input of the benchmarks."""

from uuid import UUID

from streaming.manifests.references import FilmLocation

MOVIE_ID = UUID("3fa85f64-5717-4562-b3fc-2c963f66afa6")
BUCKET_URL = "https://vod.s3.eu-central-1.amazonaws.com/"
LOCATION = FilmLocation((f"{BUCKET_URL}movies/{MOVIE_ID}/",))


def hls_film(renditions: int, segments: int, seconds: float) -> dict[str, bytes]:
    """Return the playlists of an fMP4 film by path: a multivariant one, and one per rendition."""
    names = [f"video/{height}p/index.m3u8" for height in range(renditions)]
    variants = "".join(
        f"#EXT-X-STREAM-INF:BANDWIDTH={1_000_000 + number},RESOLUTION=1280x720\n{name}\n"
        for number, name in enumerate(names)
    )
    media = "".join(
        f"#EXTINF:{seconds:.6f},\nsegment_{number:05}.m4s\n" for number in range(segments)
    )
    playlist = (
        f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{round(seconds) + 1}\n"
        f'#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI="init.mp4"\n{media}#EXT-X-ENDLIST\n'
    )
    return {
        "index.m3u8": f"#EXTM3U\n#EXT-X-VERSION:7\n{variants}".encode(),
        **{name: playlist.encode() for name in names},
    }


def dash_film(renditions: int, segments: int, seconds: float) -> bytes:
    """Return the MPD of a film with a numbered segment template."""
    total = segments * seconds
    representations = "".join(
        f'<Representation id="v{number}" bandwidth="{1_000_000 + number}" codecs="avc1.64001f" '
        'width="1280" height="720"/>'
        for number in range(renditions)
    )
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        f'mediaPresentationDuration="PT{total:.3f}S" minBufferTime="PT4S" '
        'profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period id="0" start="PT0S">'
        '<AdaptationSet contentType="video" mimeType="video/mp4" segmentAlignment="true">'
        f'<SegmentTemplate timescale="1000" duration="{round(seconds * 1000)}" startNumber="1" '
        'initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number%05d$.m4s"/>'
        f"{representations}</AdaptationSet></Period></MPD>"
    ).encode()
