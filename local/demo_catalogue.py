"""The films of ``make demo-traffic``: titles and lengths, without pictures.

The demo films that can be played are among them, so their seek bar has a heatmap as well.
"""

from dataclasses import dataclass
from uuid import UUID

from local.demo_film import DEMO_FILMS


@dataclass(frozen=True)
class TrafficFilm:
    """A film that invented viewers watch.

    ``popularity`` is its share of the sittings, relative to the other films. ``patience`` is the
    share of its viewers who are still there at the half. ``scenes`` are the places that viewers
    watch again, as shares of the film.
    """

    movie_id: str
    title: str
    duration_seconds: int
    popularity: float
    patience: float
    scenes: tuple[float, ...] = ()


def _id(number: int) -> str:
    return str(UUID(int=0x018F6A523C1E7D4B9A605B0C2D7E2F00 + number))


CATALOGUE: tuple[TrafficFilm, ...] = (
    TrafficFilm(_id(1), "The Long Harbour", 2760, 10, 0.72, (0.24, 0.63)),
    TrafficFilm(_id(2), "Night Ferry", 3120, 8, 0.66, (0.81,)),
    TrafficFilm(_id(3), "Glass Mountains", 1560, 7, 0.80, (0.12, 0.47, 0.90)),
    TrafficFilm(_id(4), "A Quiet Orbit", 3450, 6, 0.48, (0.55,)),
    TrafficFilm(_id(5), "Salt and Thunder", 2190, 5, 0.61, (0.35, 0.74)),
    TrafficFilm(_id(6), "The Cartographer's Daughter", 2940, 4, 0.58, (0.68,)),
    TrafficFilm(_id(7), "Low Tide", 1500, 4, 0.77, (0.40,)),
    TrafficFilm(_id(8), "Paper Lanterns", 1320, 3, 0.70, (0.22, 0.86)),
    TrafficFilm(_id(9), "Northbound", 2580, 2, 0.35),
    TrafficFilm(_id(10), "Eleven Bridges", 1770, 2, 0.52, (0.5,)),
    *(
        TrafficFilm(film.movie_id, film.title, film.duration_seconds, 3 - each, 0.85, (0.55,))
        for each, film in enumerate(DEMO_FILMS)
    ),
)
