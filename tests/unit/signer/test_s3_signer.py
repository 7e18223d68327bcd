"""Our signatures equal botocore's byte for byte; S3 would reject any other."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streaming.signer.bucket_address import Addressing
from streaming.signer.s3_signer import MAX_EXPIRES_IN, S3Signer
from streaming.signer.sigv4 import SigningKey

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
MOVIE_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
# One session reads botocore's description of S3 once for all clients.
SESSION = Session()
TOKEN = "IQoJb3JpZ2luX2VjE/+a=="


class Place(NamedTuple):
    """A bucket, as in the settings."""

    region: str
    endpoint_url: str | None = None
    addressing: Addressing = "virtual"
    bucket: str = "vod"


PLACES = [
    Place("us-east-1"),
    Place("us-east-1", addressing="path"),
    Place("eu-central-1"),
    Place("eu-central-1", addressing="path"),
    Place("eu-central-1", bucket="films.example"),
    Place("cn-north-1"),
    Place("us-gov-west-1"),
    Place("eusc-de-east-1"),
    Place("us-isob-east-1"),
    Place("local", "http://127.0.0.1:9000", "path"),
    Place("local", "http://127.0.0.1:9000", "virtual"),
    Place("local", "http://localhost:9000", "virtual"),
    Place("local", "http://[::1]:9000", "path"),
    Place("eu-central-1", "http://s3.example:80", "path"),
    Place("eu-central-1", "https://s3.example:443/", "virtual"),
    Place("eu-central-1", "https://S3.Example:8443", "path"),
    Place("eu-central-1", "https://s3.example/base", "virtual"),
    Place("eu-central-1", "http://s3.example", "virtual", "films.example"),
    Place("eu-central-1", "https://s3.example", "virtual", "films.example"),
    Place("eu-central-1", "https://s3.example", "virtual", "Films_Old"),
]

awkward = st.sampled_from(
    [" ", "+", "%", "%2F", "~", "/", "//", "é", "日", "😀", "&", "=", "?", "#"]
)
keys = st.lists(
    st.one_of(awkward, st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)),
    min_size=1,
    max_size=6,
).map("".join)


@cache
def client_of(place: Place, token: str | None) -> Any:
    """Return botocore's client for a place."""
    return SESSION.create_client(
        "s3",
        region_name=place.region,
        endpoint_url=place.endpoint_url,
        aws_access_key_id="AKIA/+EXAMPLE",
        aws_secret_access_key="secret/+key",
        aws_session_token=token,
        config=Config(signature_version="s3v4", s3={"addressing_style": place.addressing}),
    )


def signer_of(place: Place, token: str | None = None) -> S3Signer:
    """Return our signer for a place."""
    return S3Signer(
        SigningKey("AKIA/+EXAMPLE", "secret/+key", token),
        region=place.region,
        bucket=place.bucket,
        endpoint_url=place.endpoint_url,
        addressing=place.addressing,
    )


def time_of(url: str) -> datetime:
    """Return the time at which a URL was signed."""
    stamp = parse_qs(urlsplit(url).query)["X-Amz-Date"][0]
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "token"), [*((place, None) for place in PLACES), (PLACES[2], TOKEN)], ids=str
)
@settings(max_examples=25, deadline=None)
@given(key=keys, expires_in=st.integers(1, MAX_EXPIRES_IN))
def test_equals_generate_presigned_url(
    place: Place, token: str | None, key: str, expires_in: int
) -> None:
    """A URL equals botocore's for any key, in AWS and elsewhere, by path and by host name."""
    expected = client_of(place, token).generate_presigned_url(
        "get_object", Params={"Bucket": place.bucket, "Key": key}, ExpiresIn=expires_in
    )
    actual = signer_of(place, token).generate_signed_url(
        key, expires_in=expires_in, signed_at=time_of(expected)
    )
    assert expected == actual


labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
credentials = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


@pytest.mark.unmeasured
@settings(max_examples=200, deadline=None)
@given(
    host=st.lists(labels, min_size=1, max_size=4).map(".".join),
    scheme=st.sampled_from(["http", "https"]),
    port=st.none() | st.integers(1, 65535),
    region=labels,
    access_key=credentials,
    secret_key=credentials,
    token=st.none() | credentials,
    key=keys,
)
def test_equals_botocore_for_any_host_and_key(
    *,
    host: str,
    scheme: str,
    port: int | None,
    region: str,
    access_key: str,
    secret_key: str,
    token: str | None,
    key: str,
) -> None:
    """The signature equals botocore's for any host, port, region, credentials and token."""
    endpoint = f"{scheme}://{host}" + ("" if port is None else f":{port}")
    signer = S3Signer(
        SigningKey(access_key, secret_key, token),
        region=region,
        bucket="vod",
        endpoint_url=endpoint,
        addressing="path",
    )
    auth = S3SigV4QueryAuth(Credentials(access_key, secret_key, token), "s3", region, 60)
    ours = signer.generate_signed_url(key, expires_in=60, signed_at=datetime.now(UTC))
    request = AWSRequest("GET", ours.partition("?")[0])
    auth.add_auth(request)
    theirs = str(request.url)
    again = signer.generate_signed_url(key, expires_in=60, signed_at=time_of(theirs))
    assert theirs == again


@given(key=keys, expires_in=st.integers(1, MAX_EXPIRES_IN))
def test_bulk_form_signs_like_the_single_one(key: str, expires_in: int) -> None:
    """The function that signs a whole film gives the same URL as a single call."""
    signer = signer_of(PLACES[0])
    expected = signer.generate_signed_url(key, expires_in=expires_in, signed_at=NOW)
    assert expected == signer.at(NOW, expires_in)(key)


def test_key_follows_the_day() -> None:
    """A signer used past midnight signs with the new day's key, then the old one's again."""
    signer = signer_of(PLACES[0])
    for signed_at in (NOW, NOW + timedelta(days=1), NOW):
        fresh = signer_of(PLACES[0]).generate_signed_url("k", expires_in=60, signed_at=signed_at)
        assert fresh == signer.generate_signed_url("k", expires_in=60, signed_at=signed_at)


def test_time_is_utc_in_the_url() -> None:
    """An instant gives the same URL in any time zone."""
    sign = signer_of(PLACES[0]).generate_signed_url
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-11)))
    assert sign("k", expires_in=60, signed_at=NOW) == sign("k", expires_in=60, signed_at=elsewhere)


@pytest.mark.parametrize("expires_in", [0, -1, MAX_EXPIRES_IN + 1])
def test_refuses_a_life_that_s3_refuses(expires_in: int) -> None:
    """A URL that S3 would reject with 400 is not created."""
    with pytest.raises(ValueError, match="1 to 604800 seconds"):
        signer_of(PLACES[0]).at(NOW, expires_in)


def test_refuses_a_time_without_zone() -> None:
    """A naive time is rejected: it would be wrong by the machine's offset."""
    with pytest.raises(ValueError, match="time zone"):
        signer_of(PLACES[0]).at(NOW.replace(tzinfo=None), 60)


def test_refuses_the_empty_key() -> None:
    """An empty key is rejected: its URL would list the bucket."""
    with pytest.raises(ValueError, match="empty"):
        signer_of(PLACES[0]).generate_signed_url("", expires_in=60, signed_at=NOW)


@pytest.mark.parametrize(("manifest_type", "name"), [("hls", "index.m3u8"), ("dash", "index.mpd")])
def test_manifest_url(manifest_type: Any, name: str) -> None:
    """A film's manifest has the seed's key."""
    url = signer_of(Place("local", "http://127.0.0.1:9000", "path")).get_manifest_url(
        MOVIE_ID, manifest_type, expires_in=3600, signed_at=NOW
    )
    assert f"http://127.0.0.1:9000/vod/movies/{MOVIE_ID}/{name}" == url.partition("?")[0]
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["3600"]


def test_refuses_an_unknown_manifest_type() -> None:
    """Only HLS and DASH have a manifest."""
    unknown: Any = "smooth"
    with pytest.raises(ValueError, match="manifest type"):
        signer_of(PLACES[0]).get_manifest_url(MOVIE_ID, unknown, expires_in=60, signed_at=NOW)


@pytest.mark.parametrize(
    ("movie_id", "segment"),
    [
        (MOVIE_ID, "../other/index.m3u8"),
        (MOVIE_ID, "a/../../b"),
        (MOVIE_ID, ".."),
        (MOVIE_ID, "./a"),
        (MOVIE_ID, "/a"),
        (MOVIE_ID, "a//b"),
        (MOVIE_ID, "a\\b"),
        (MOVIE_ID, "a\0b"),
        (MOVIE_ID, "a\nb"),
        (MOVIE_ID, ""),
        ("..", "a"),
        ("", "a"),
        (f"{MOVIE_ID}/x", "a"),
    ],
)
def test_refuses_a_segment_outside_the_film(movie_id: str, segment: str) -> None:
    """No segment's name leads out of its film."""
    with pytest.raises(ValueError, match="no object of a film"):
        signer_of(PLACES[0]).get_segment_url(movie_id, segment, expires_in=60, signed_at=NOW)


@given(segment=st.text(st.sampled_from("ab./%\\2e é\0"), max_size=12) | keys)
def test_segment_urls_stay_in_the_film(segment: str) -> None:
    """For any name of a segment, a signed URL addresses exactly it."""
    try:
        url = signer_of(PLACES[2]).get_segment_url(MOVIE_ID, segment, expires_in=60, signed_at=NOW)
    except ValueError:
        assume(False)  # noqa: FBT003
    path = urlsplit(url).path
    assert f"/movies/{MOVIE_ID}/{segment}" == unquote(path)
    assert not re.search(r"/\.{0,2}(?:/|$)", path)


def test_secrets_stay_out_of_logs() -> None:
    """The text of a key contains neither its secret nor its session token."""
    shown = repr(SigningKey("AKIA", "the-secret", "the-token"))
    assert "AKIA" in shown
    assert "the-secret" not in shown
    assert "the-token" not in shown


@pytest.mark.parametrize(("access_key", "secret_key"), [("", "s"), ("a", "")])
def test_refuses_half_a_key(access_key: str, secret_key: str) -> None:
    """A missing key is rejected when it is read, not by every player."""
    with pytest.raises(ValueError, match="signing key"):
        SigningKey(access_key, secret_key)


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        (Place("eu-central-1", bucket="a/b"), "bucket"),
        (Place("eu-central-1", bucket=".."), "bucket"),
        (Place("eu/central"), "region"),
        (Place("eu-central-1", "s3.example"), "endpoint"),
        (Place("eu-central-1", "ftp://s3.example"), "endpoint"),
        (Place("eu-central-1", "https://user:secret@s3.example"), "endpoint"),
    ],
    ids=str,
)
def test_refuses_a_bucket_without_address(place: Place, problem: str) -> None:
    """A setting that cannot be part of a URL is rejected at the start."""
    with pytest.raises(ValueError, match=problem):
        signer_of(place)


def test_ip_endpoint_is_addressed_by_path() -> None:
    """A dotted bucket at an IP address is part of the path; as a host name it would not resolve."""
    place = Place("local", "http://127.0.0.1:9000", "virtual", "films.example")
    assert signer_of(place).bucket_url == "http://127.0.0.1:9000/films.example/"
