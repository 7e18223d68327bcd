"""Time per segment for films of increasing length; it is constant, because rewriting is linear."""

import time
from datetime import UTC, datetime

from benchmarks.films import LOCATION, MOVIE_ID, dash_film, hls_film
from streaming.manifests import dash, hls
from streaming.manifests.manifest import Manifest
from streaming.manifests.references import Reference
from streaming.signer.s3_signer import S3Signer
from streaming.signer.sigv4 import SigningKey

LENGTHS = (1_000, 10_000, 50_000)


def main() -> None:
    """Print the microseconds per segment for parsing, signing and rendering."""
    print("microseconds per segment (best of 3 runs)")
    print("  segments " + "".join(f"{length:>10,}" for length in LENGTHS))
    for name, measure in (("HLS", _hls), ("DASH", _dash)):
        figures = [min(measure(length) for _ in range(3)) / length * 1e6 for length in LENGTHS]
        print(f"  {name:<9}" + "".join(f"{figure:>10.1f}" for figure in figures))


def _hls(segments: int) -> float:
    body = hls_film(1, segments, 2)["video/0p/index.m3u8"]
    started = time.perf_counter()
    _render(hls.parse(body, path="video/0p/index.m3u8", film=LOCATION))
    return time.perf_counter() - started


def _dash(segments: int) -> float:
    body = dash_film(1, segments, 2)
    started = time.perf_counter()
    _render(dash.parse(body, path="index.mpd", film=LOCATION))
    return time.perf_counter() - started


def _render(manifest: Manifest) -> None:
    signer = S3Signer(SigningKey("key", "secret"), region="eu-central-1", bucket="vod")
    sign = signer.at(datetime.now(UTC), 3600)

    def url_for(reference: Reference) -> str:
        return sign(f"movies/{MOVIE_ID}/{reference.path}")

    manifest.render(url_for)


if __name__ == "__main__":
    main()
