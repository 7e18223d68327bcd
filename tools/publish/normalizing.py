"""The first half of encoding: converts the tracks to one picture size and to stereo.

A track may change its format: recordings change from stereo to 5.1, conferences from one size to
another. ffmpeg then rebuilds the filters of that track, which lose their state. Therefore these
filters, except the detectors, keep no state between frames. A second ffmpeg, whose input does not
change, performs the stateful steps (frame rate, gaps, length) on their output.
"""

from collections.abc import Sequence

from tools.publish import levels
from tools.publish.container import local_input
from tools.publish.inspection import SOURCE, silence, stillness
from tools.publish.source import Colours, PixelShape, Source

SAMPLE_RATE = 48_000

_TO_STANDARD_RANGE = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,"
)
# A picture of a size that is nearly right fills it, so that no border of a pixel remains.
_BORDER = 2
_ROUNDING = 0.002


def arguments(source: Source) -> list[str]:
    """Return the ffmpeg arguments that write the normalized tracks to standard output."""
    video = source.video
    fitted = _fitted(max(2, video.width // 2 * 2), max(2, video.height // 2 * 2), video.shapes)
    pictures = f"{clean(video.colours)}{fitted},setsar=1,format=yuv420p"
    watched = (
        f"split=3[video][moved][seen];[moved]{stillness(SOURCE)},nullsink;"
        f"[seen]{levels.colours()},nullsink"
    )
    graphs = [f"[0:{video.index}]{pictures},{watched}"]
    for number, track in enumerate(source.audio):
        mixed = f"{track.mix}," if track.mix else ""
        graphs.append(
            f"[0:{track.index}]{mixed}aformat=sample_fmts=flt:sample_rates={SAMPLE_RATE}:"
            f"channel_layouts=stereo,{silence(SOURCE, number)},asplit[audio{number}][heard];"
            f"[heard]{levels.loudness(number)},anullsink"
        )
    maps = ["video", *(f"audio{number}" for number in range(len(source.audio)))]
    return [
        # ffmpeg continues after any number of decoding errors; `inspection` evaluates them.
        *("-loglevel", "level+info", "-max_error_rate", "1", *local_input(source.file)),
        *(part for graph in graphs for part in ("-filter_complex", graph)),
        *(part for each in maps for part in ("-map", f"[{each}]")),
        *("-fps_mode", "passthrough", "-enc_time_base:v", "demux"),
        *("-c:v", "rawvideo", "-c:a", "pcm_f32le", "-map_metadata", "-1", "-map_chapters", "-1"),
        *("-f", "nut", "pipe:1"),
    ]


def _fitted(width: int, height: int, shapes: Sequence[PixelShape]) -> str:
    """Return the filters that fit each picture into a size, whose sides are even.

    Each colour value of yuv420p is of two by two pixels.
    """
    aspect = f"(a*{_shape_at_time(shapes)})" if shapes else "dar"
    fills = f"lt(abs({height}*{aspect}-{width}),{_BORDER})"
    fitted_width = f"if({fills},{width},max(2,2*round(min({width},{height}*{aspect})/2)))"
    fitted_height = f"if({fills},{height},max(2,2*round(min({height},{width}/{aspect})/2)))"
    when = ":eval=frame" if shapes else ""
    return (
        f"scale=w='{fitted_width}':h='{fitted_height}':flags=bicubic:out_range=tv{when},"
        f"pad={width}:{height}:-1:-1{when}"
    )


def _shape_at_time(shapes: Sequence[PixelShape]) -> str:
    """Return the expression of the pixels' shape; ffmpeg gives all pictures the first one."""
    *before, last = (f"{shape.aspect.numerator}/{shape.aspect.denominator}" for shape in shapes)
    expression = last
    for shape, following in reversed(list(zip(before, shapes[1:], strict=True))):
        expression = f"if(lt(t,{following.at - _ROUNDING:.4f}),{shape},{expression})"
    return expression


def clean(colours: Colours) -> str:
    """Return the filters for progressive frames of standard dynamic range."""
    told = "bwdif=deint=interlaced,"
    if not colours.is_high_dynamic_range:
        return told
    # BT.2100, which defines both transfer functions, has only these primaries.
    missing = [] if colours.primaries else ["color_primaries=bt2020"]
    missing += [] if colours.matrix else ["colorspace=bt2020nc"]
    told += f"setparams={':'.join(missing)}," if missing else ""
    return told + _TO_STANDARD_RANGE
