"""The check without the service: play the film from the bucket by URLs that are signed here.

The manifests of the package, rewritten as the service rewrites them, stay in a folder; all that
they lead to is read from the bucket.
"""

from pathlib import Path

from streaming.manifests import dash, hls
from streaming.manifests.errors import ManifestError
from streaming.manifests.references import FilmLocation, Reference
from tools.publish.destination import Destination
from tools.publish.errors import PublishError
from tools.publish.packaging.package import Package

_LIFE_SECONDS = 24 * 3600


def write_signed_manifests(
    package: Package, destination: Destination, movie_id: str, folder: Path
) -> None:
    """Write the package's manifests to `folder`, each URI signed. Raises `PublishError`."""
    prefix = f"movies/{movie_id}/"
    # Their references are relative; where the film is does not matter to the rewriters.
    location = FilmLocation(("https://bucket.invalid/",))

    def url_for(reference: Reference) -> str:
        if reference.is_manifest:
            return (folder / reference.path).as_posix()
        url: str = destination.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": destination.bucket, "Key": prefix + reference.path},
            ExpiresIn=_LIFE_SECONDS,
        )
        return url

    for path in (*package.folder.rglob("*.m3u8"), *package.folder.rglob("*.mpd")):
        name = path.relative_to(package.folder).as_posix()
        parse = hls.parse if path.suffix == ".m3u8" else dash.parse
        try:
            manifest = parse(path.read_bytes(), path=name, film=location)
        except ManifestError as error:
            raise PublishError(f"the service could not sign {name}: {error}") from error
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(manifest.render(url_for))
