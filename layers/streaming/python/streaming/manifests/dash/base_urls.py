"""Where the relative references of an MPD lead, level by level.

``BaseURL`` elements stack: each level resolves against the one above, and a level may offer
several as alternatives. The first alternative inside the film is the one that is signed.
"""

from dataclasses import dataclass

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.limits import check_url_length
from streaming.manifests.errors import OutsideFilm
from streaming.manifests.references import FilmLocation, Reference


@dataclass(frozen=True, slots=True)
class Base:
    """A URL that references are resolved against; ``directory`` is set when it is in the film."""

    film: FilmLocation
    url: str
    directory: str | None
    element: Element | None = None

    @classmethod
    def at(cls, film: FilmLocation, url: str, element: Element | None = None) -> "Base":
        """Return the base for the absolute ``url``, which the BaseURL ``element`` gave."""
        try:
            here = film.locate(check_url_length(url))
        except OutsideFilm:  # no harm yet: what counts is where the references below it lead
            here = None
        directory = None if here is None else here.path[: here.path.rfind("/") + 1]
        return cls(film, url, directory, element)

    @property
    def is_in_film(self) -> bool:
        """Tell whether the base itself lies in the film."""
        return self.directory is not None

    @property
    def is_foreign(self) -> bool:
        """Tell whether the base is on another host; ``OutsideFilm`` counts as ours."""
        try:
            return self.film.locate(self.url) is None
        except OutsideFilm:
            return False

    def below(self, level: Element) -> "Base":
        """Return the base that the BaseURL children of ``level`` make out of this one."""
        alternatives = self.alternatives(level)
        return next((base for base in alternatives if base.is_in_film), (*alternatives, self)[0])

    def alternatives(self, level: Element) -> list["Base"]:
        """Return one base for each BaseURL child of ``level``."""
        return [
            Base.at(self.film, self.film.join(self.url, element.text.strip()), element)
            for element in level.all("BaseURL")
        ]

    def locate(self, reference: str) -> Reference | None:
        """Return the film's object that ``reference`` names, or None for a foreign one.

        Raises ``OutsideFilm`` when it leaves the film.
        """
        reference = reference.strip()
        if self.directory is not None and reference and reference[0] not in "/?#":
            return self.film.resolve(self.directory, reference)
        return self.film.locate(self.film.join(self.url, reference))
