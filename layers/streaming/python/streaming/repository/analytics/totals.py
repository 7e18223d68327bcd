"""SQL that adds changes to the rows of a table of figures."""

from collections.abc import Sequence

from streaming.domain.viewing import ALL_FILMS


def adjust(table: str, keys: Sequence[str], figures: Sequence[str], changes: str) -> str:
    """Return common table expressions that add ``changes`` to ``table``.

    ``changes`` is a query of the columns movie_id, ``keys`` and ``figures``. They are added to the
    rows of their film, and to those of all films. Rows are written in the order of their keys.
    """
    names = ", ".join(keys)
    sums = ", ".join(f"sum({figure}) AS {figure}" for figure in figures)
    changed = " OR ".join(f"sum({figure}) <> 0" for figure in figures)
    added = ", ".join(f"{figure} = stored.{figure} + excluded.{figure}" for figure in figures)
    columns = ", ".join(("movie_id", *keys, *figures))
    return f"""
    {table}_changes AS MATERIALIZED (
        SELECT coalesce(movie_id, '{ALL_FILMS}') AS movie_id, {names}, {sums}
        FROM ({changes}) AS change
        GROUP BY GROUPING SETS ((movie_id, {names}), ({names}))
        HAVING {changed}
    ),
    {table}_adjusted AS (
        INSERT INTO {table} AS stored ({columns})
        SELECT {columns} FROM {table}_changes
        ORDER BY movie_id, {names}
        ON CONFLICT (movie_id, {names}) DO UPDATE SET {added}
    )
    """  # noqa: S608
