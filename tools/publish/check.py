"""Verifies that the film plays: both manifests to the end, through the service if there is one."""

from collections.abc import Callable, Mapping

from tools.console import Meter, say
from tools.publish.destination import Destination
from tools.publish.packaging import dash, hls
from tools.publish.packaging.package import Package
from tools.publish.playback import play
from tools.publish.presigned_check import signed_manifests
from tools.publish.service_check import MANIFEST_TYPES, Service, StillFormerPublication

_NAMES: Mapping[str, str] = {"hls": hls.PLAYLIST, "dash": dash.MANIFEST}


def check(
    package: Package, destination: Destination, movie_id: str, service: Service | None
) -> None:
    """Play the film by HLS and by DASH.

    Raises `DoesNotPlay` if it cannot be played, and `PublishError` if the check itself fails.
    """
    if service is not None:
        try:
            service.invalidate(movie_id)
            _play(package, lambda form: service.manifest_url(movie_id, form, package.version))
        except StillFormerPublication as error:
            say(f"{error}, at most until its time window ends (DELIVERY_WINDOW_SECONDS)")
        else:
            return
    else:
        say("No API_URL and TOKEN: the check uses URLs signed here, not the service")
    with signed_manifests(package, destination, movie_id) as url_of:
        _play(package, lambda form: url_of(_NAMES[form]))


def _play(package: Package, manifest_of: Callable[[str], str]) -> None:
    for form in MANIFEST_TYPES:
        meter = Meter(f"Checking {form.upper():4}")
        whole = package.film.seconds
        play(manifest_of(form), package.film, lambda seconds: meter.show(seconds / whole))  # noqa: B023
        meter.finish()
