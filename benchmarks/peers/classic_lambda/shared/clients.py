"""The clients of other servers, connected at the import, which Lambda does not bill by request."""

from urllib.parse import unquote, urlsplit

import boto3
import httpx
import pg8000.native
from botocore.config import Config
from kafka import KafkaProducer
from redis import Redis

from shared.settings import settings

_url = urlsplit(settings.database_url)
database = pg8000.native.Connection(
    user=unquote(_url.username or ""),
    password=unquote(_url.password or ""),
    host=_url.hostname,
    port=_url.port or 5432,
    database=_url.path.lstrip("/"),
    timeout=5,
)

redis = Redis(
    host=settings.redis_host,
    port=settings.redis_port,
    db=settings.redis_db,
    decode_responses=True,
    socket_timeout=1.0,
    socket_connect_timeout=1.0,
)
redis.ping()

producer = KafkaProducer(
    bootstrap_servers=settings.kafka_bootstrap_servers.split(","), acks="all", max_block_ms=5000
)

user_service = httpx.Client(
    base_url=settings.user_service_url, timeout=settings.user_service_timeout
)

s3 = boto3.client(
    "s3",
    region_name=settings.s3_region,
    endpoint_url=settings.s3_endpoint_url,
    config=Config(connect_timeout=1, read_timeout=5, s3={"addressing_style": "path"}),
)
# Players get URLs that are signed with a key that only reads films.
signer = boto3.client(
    "s3",
    region_name=settings.s3_region,
    endpoint_url=settings.s3_public_endpoint_url,
    aws_access_key_id=settings.s3_access_key,
    aws_secret_access_key=settings.s3_secret_key,
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)
