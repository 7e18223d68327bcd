"""The error message of a failed migration."""

import pg8000.native
import pytest

from streaming.config.aws_answers import AwsRefusal
from streaming.config.rotating_secrets import SecretUnavailable
from streaming.domain.errors import DatabaseUnavailable
from streaming.repository.migration_problem import describe


def server_error(state: str, message: str) -> pg8000.native.DatabaseError:
    """Return an error as PostgreSQL reports it, with a row in its details."""
    fields = {"C": state, "M": message, "D": "Key (email)=(viewer@example.com) already exists."}
    return pg8000.native.DatabaseError(fields)


def caused(error: Exception, cause: Exception) -> Exception:
    """Return an error with its cause."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (server_error("42P01", "relation x does not exist"), "relation x does not exist"),
        (server_error("23505", "duplicate key violates y"), "duplicate key violates y"),
        (
            caused(DatabaseUnavailable("the database does not answer"), OSError(111, "refused")),
            "the database does not answer: [Errno 111] refused",
        ),
        (
            caused(
                DatabaseUnavailable("the database's password cannot be read"),
                caused(SecretUnavailable("a secret cannot be read"), KeyError("SecretString")),
            ),
            "the database's password cannot be read: a secret cannot be read: KeyError",
        ),
        (
            caused(
                SecretUnavailable("a secret cannot be read"),
                AwsRefusal("AccessDeniedException", "User arn:... is not authorized"),
            ),
            "a secret cannot be read: AccessDeniedException",
        ),
    ],
)
def test_cause_is_told(error: Exception, expected: str) -> None:
    """The text contains the messages of the server and this service, down to the first cause."""
    assert describe(error).startswith(expected)


def test_no_value_of_a_row_is_told() -> None:
    """Neither details nor the messages of data exceptions, which quote rows, are included."""
    duplicate = describe(server_error("23505", "duplicate key violates y"))
    invalid = describe(server_error("22P02", 'invalid input syntax for uuid: "viewer@example.com"'))
    assert "viewer" not in duplicate + invalid
    assert "22P02" in invalid


def test_nothing_unknown_is_told() -> None:
    """For other errors only the class is included, because their text may contain anything."""
    assert describe(ValueError("hunter2")) == "ValueError"


def test_length_is_bounded() -> None:
    """CloudFormation accepts 4 KB."""
    assert len(describe(DatabaseUnavailable("x" * 5000))) == 1000
