"""The address of a bucket: the URL that precedes its keys.

A signature covers the host and the path exactly as the player sends them. Therefore the address is
determined before signing, by the same rules that botocore and the S3 server apply.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Addressing = Literal["path", "virtual"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_BUCKET_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_REGION_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")
_HOST_NAME = re.compile(
    r"(?=.{3,63}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")

# Regions outside the standard partition have their own domain.
_DOMAINS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """The address of one bucket.

    ``origin`` is scheme and authority as in a URL (``https://vod.s3.example:9000``), ``host`` is
    the value of the Host header, which omits a default port, and ``path`` precedes every key: ``/``
    or ``/vod/``.
    """

    origin: str
    host: str
    path: str

    @property
    def url(self) -> str:
        """The URL to which a percent-encoded key is appended; it ends in ``/``."""
        return self.origin + self.path


def bucket_address(
    bucket: str,
    *,
    region: str,
    endpoint_url: str | None = None,
    addressing: Addressing = "virtual",
) -> BucketAddress:
    """Return the address of ``bucket`` at ``endpoint_url``, or at AWS when that is None.

    A bucket that cannot be part of a host name (a dot under https, an underscore, an IP endpoint)
    is addressed by path even if ``addressing`` is ``virtual``, as in botocore.

    Raises ``ValueError`` for a bucket, region or endpoint that is not valid in a URL.
    """
    if not _BUCKET_NAME.fullmatch(bucket) or bucket in (".", ".."):
        raise ValueError(f"not a bucket name: {bucket!r}")
    if not _REGION_NAME.fullmatch(region):
        raise ValueError(f"not a region: {region!r}")
    if addressing not in ("path", "virtual"):
        raise ValueError(f"not a way of addressing: {addressing!r}")
    parts = urlsplit(endpoint_url or _aws_endpoint(region))
    hostname, port = parts.hostname, parts.port
    if parts.scheme not in _DEFAULT_PORTS or not hostname or parts.query or "@" in parts.netloc:
        raise ValueError(f"not an S3 endpoint: {endpoint_url!r}")
    authority, path = parts.netloc, parts.path.rstrip("/") + "/"
    host = f"[{hostname}]" if ":" in hostname else hostname
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    if addressing == "virtual" and _is_virtual_hostable(bucket, parts.scheme, hostname):
        authority, host = f"{bucket}.{authority}", f"{bucket}.{host}"
    else:
        path += f"{bucket}/"
    return BucketAddress(f"{parts.scheme}://{authority}", host, path)


def _aws_endpoint(region: str) -> str:
    if region == "us-east-1":
        # botocore signs for the global endpoint in this region.
        return "https://s3.amazonaws.com"
    domain = next(
        (domain for prefix, domain in _DOMAINS.items() if region.startswith(prefix)),
        "amazonaws.com",
    )
    return f"https://s3.{region}.{domain}"


def _is_virtual_hostable(bucket: str, scheme: str, endpoint_host: str) -> bool:
    if _IPV4.fullmatch(endpoint_host) or ":" in endpoint_host:
        return False
    if "." in bucket and scheme == "https":
        # A wildcard certificate covers one label only.
        return False
    return bool(_HOST_NAME.fullmatch(bucket)) and not _IPV4.fullmatch(bucket)
