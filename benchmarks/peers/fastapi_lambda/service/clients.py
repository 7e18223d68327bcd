"""The clients of other servers: one of each for the life of the execution environment."""

import boto3
import httpx
from aiokafka import AIOKafkaProducer
from botocore.config import Config
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from service.settings import settings

# An execution environment serves one request at a time.
engine = create_async_engine(
    settings.database_url.replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=1,
    max_overflow=0,
    pool_recycle=300,
)
session_factory = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

redis = Redis(
    host=settings.redis_host,
    port=settings.redis_port,
    db=settings.redis_db,
    decode_responses=True,
    socket_timeout=1.0,
    socket_connect_timeout=1.0,
)

user_service = httpx.AsyncClient(
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

_producer: AIOKafkaProducer | None = None


async def producer() -> AIOKafkaProducer:
    """Return the producer, which the first request starts, because it needs the event loop."""
    global _producer  # noqa: PLW0603
    if _producer is None:
        started = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            acks="all",
            request_timeout_ms=5000,
        )
        await started.start()
        _producer = started
    return _producer
