"""Settings of the film bucket and of delivery."""

from dataclasses import dataclass
from typing import Self

from streaming.config.transport import check_authorities, check_url
from streaming.config.variables import ConfigurationError, Variables, integer


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where films are stored and how they are delivered. Times are in seconds."""

    bucket: str
    region: str
    endpoint_url: str | None
    public_endpoint_url: str | None
    signed_url_expiration: int
    delivery: str
    delivery_window: int

    @classmethod
    def from_environment(cls, environment: Variables) -> Self:
        """Read the ``S3_*`` variables, ``SIGNED_URL_EXPIRATION`` and ``DELIVERY*``."""
        delivery = environment.get("DELIVERY") or "s3"
        if delivery not in ("s3", "direct"):
            raise ConfigurationError(f"DELIVERY {delivery!r} is neither s3 nor direct")
        endpoint_url = (environment.get("S3_ENDPOINT_URL") or "").rstrip("/") or None
        public = (environment.get("S3_PUBLIC_ENDPOINT_URL") or "").rstrip("/") or None
        for name, url in (("S3_ENDPOINT_URL", endpoint_url), ("S3_PUBLIC_ENDPOINT_URL", public)):
            if url:
                check_url(environment, name, url, "s3")
        check_authorities(environment)
        return cls(
            bucket=environment.get("S3_BUCKET_NAME") or "vod",
            region=environment.get("S3_REGION") or environment.get("AWS_REGION") or "us-east-1",
            endpoint_url=endpoint_url,
            public_endpoint_url=public or endpoint_url,
            signed_url_expiration=integer(environment, "SIGNED_URL_EXPIRATION", 3600, 1, 604800),
            delivery=delivery,
            delivery_window=integer(environment, "DELIVERY_WINDOW_SECONDS", 3600, 1, 86400),
        )
