"""Presigned URLs per second: this service's signer and boto3, in one run, on one core.

A film of three hours with segments of two seconds in nine renditions has 48,600 URLs. Run it as
``python benchmarks/signing.py`` with the layer on the path. Both sign the same keys, and the first
URLs of both are compared before the measurement.
"""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config

from streaming.signer.s3_signer import S3Signer
from streaming.signer.sigv4 import SigningKey

URLS = 48_600
BOTO3_URLS = 2_000
EXPIRES_IN = 6 * 3600
REGION, BUCKET = "eu-central-1", "vod"
ACCESS_KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "an example, not a secret"
FOLDER = "movies/3fa85f64-5717-4562-b3fc-2c963f66afa6/video/1080p"


def main() -> None:
    """Measure both and print the ratio."""
    keys = [f"{FOLDER}/segment_{number:05}.m4s" for number in range(URLS)]
    client = boto3.client(
        "s3",
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    signer = S3Signer(SigningKey(ACCESS_KEY, SECRET_KEY), region=REGION, bucket=BUCKET)

    def boto3_url(key: str) -> str:
        url: str = client.generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=EXPIRES_IN
        )
        return url

    theirs = boto3_url(keys[0])
    signed_at = _time_of(theirs)
    if signer.at(signed_at, EXPIRES_IN)(keys[0]) != theirs:
        raise SystemExit("the signature differs from boto3's: the comparison is invalid")

    ours_rate = max(_rate(signer.at(signed_at, EXPIRES_IN), keys) for _ in range(3))
    boto3_rate = max(_rate(boto3_url, keys[:BOTO3_URLS]) for _ in range(3))
    print("presigned URLs per second (best of 3 runs)")
    print(f"  streaming.signer.s3_signer    {ours_rate:>12,.0f}   ({URLS:,} URLs)")
    print(f"  boto3.generate_presigned_url  {boto3_rate:>12,.0f}   ({BOTO3_URLS:,} URLs)")
    print(f"  ratio                         {ours_rate / boto3_rate:>11.0f}x")
    print(f"  a film of {URLS:,} URLs: {URLS / ours_rate:.2f} s, boto3 {URLS / boto3_rate:.0f} s")


def _time_of(url: str) -> datetime:
    stamp = parse_qs(urlsplit(url).query)["X-Amz-Date"][0]
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _rate(sign: Callable[[str], str], keys: Iterable[str]) -> float:
    count = 0
    started = time.perf_counter()
    for key in keys:
        sign(key)
        count += 1
    return count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
