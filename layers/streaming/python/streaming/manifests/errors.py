"""The errors of a film's manifest."""


class ManifestError(ValueError):
    """A manifest that cannot be turned into a signed copy."""


class NotAManifest(ManifestError):
    """The bytes are not a manifest of the expected kind, or violate its grammar."""


class OutsideFilm(ManifestError):
    """A reference leaves the film's own prefix; signing it would expose another object."""


class ManifestTooLarge(ManifestError):
    """The manifest exceeds a cap on bytes, depth, renditions or segments."""
