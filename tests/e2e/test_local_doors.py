"""Access control of the local servers: their host names, and the permissions of the local keys."""

from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from local.environment import BUCKET
from local.stack import Stack
from tests.support import plain_http
from tests.support.other_servers import require_embedded_s3


def test_keys_may_do_what_their_policies_say(stack: Stack) -> None:
    """The functions' key cannot delete, write films or list the bucket; the signer's only reads."""
    require_embedded_s3(stack)
    admin, keys = stack.s3.admin_client, stack.state.credentials
    film, copy, other = (f"{prefix}/{uuid4()}/x" for prefix in ("movies", "playback", "other"))
    for key in (film, copy, other):
        admin.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    service = stack.s3.client(keys.s3_service_access_key, keys.s3_service_secret_key)
    signer = stack.s3.client(keys.s3_signer_access_key, keys.s3_signer_secret_key)

    for client in (service, signer):
        for key in (film, copy):
            assert client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"x"
        for name, more in (
            ("get_object", {"Key": other}),
            ("put_object", {"Key": film, "Body": b"y"}),
            ("delete_object", {"Key": film}),
            ("delete_object", {"Key": copy}),
            ("list_objects_v2", {}),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                getattr(client, name)(Bucket=BUCKET, **more)
    service.put_object(Bucket=BUCKET, Key=copy, Body=b"y")
    with pytest.raises(ClientError, match="AccessDenied"):
        signer.put_object(Bucket=BUCKET, Key=copy, Body=b"y")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:{port}", 200),
        ("127.0.0.1", 200),
        ("[::1]:{port}", 200),
        ("host.docker.internal:{port}", 200),
        ("rebound.example:{port}", 421),
        ("127.0.0.1.rebound.example", 421),
        ("192.168.0.7:{port}", 421),
    ],
)
@pytest.mark.parametrize("server", ["gateway", "user_service"])
def test_pages_under_another_name_read_nothing(
    stack: Stack, server: str, host: str, status: int
) -> None:
    """A page whose host name was rebound to this machine gets neither the token nor any content."""
    running = getattr(stack, server)
    path = "/local/demo" if server == "gateway" else "/health"

    answer = plain_http.get(
        f"http://127.0.0.1:{running.port}{path}", headers={"Host": host.format(port=running.port)}
    )

    assert answer.status_code == status
    assert "token" not in answer.text or status == 200


@pytest.mark.parametrize(
    "path", ["a" * 300, "a/" * 3000, "%00", "..%2f..%2fREADME.md", "%ff%fe", "index.html/x", "."]
)
def test_names_that_no_file_has(stack: Stack, path: str) -> None:
    """Below /web/, every path without a file is 404."""
    assert plain_http.get(f"{stack.api_url}/web/{path}").status_code == 404
