"""Runs SQL in ClickHouse as a library, in the environment that has it.

In: ``{"folder": …, "statements": […], "queries": {name: …}, "tolerated": …}`` as JSON, on standard
input; ClickHouse stores its tables in the folder. A statement is a text; or a list of a text, a
query and a number, and is executed until the query returns at least the number. Out: the rows of
each query, as JSON.
"""

import json
import sys

from chdb import ChdbError
from chdb.session import Session

_FORMAT = " FORMAT JSONCompactEachRow SETTINGS output_format_json_quote_64bit_integers = 0"


def main() -> None:
    """Execute the statements, then the queries."""
    work = json.load(sys.stdin)
    session = Session(work["folder"])
    for each in work["statements"]:
        statement, query, number = (each, "", 0) if isinstance(each, str) else each
        try:
            session.query(statement)
            while query and int(str(session.query(query))) < number:
                session.query(statement)
        except ChdbError as error:
            if not work["tolerated"] or work["tolerated"] not in str(error):
                raise
    found = {}
    for name, query in work["queries"].items():
        lines = str(session.query(query + _FORMAT)).splitlines()
        found[name] = [json.loads(line) for line in lines]
    session.close()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
