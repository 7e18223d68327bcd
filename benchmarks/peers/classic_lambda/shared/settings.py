"""The configuration, from environment variables."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """The names of the variables are those of the fields in upper case."""

    database_url: str
    redis_host: str
    redis_port: int = 6379
    redis_db: int = 0
    redis_progress_ttl: int = 86400
    redis_subscription_cache_ttl: int = 300
    kafka_bootstrap_servers: str
    kafka_topic_prefix: str
    user_service_url: str
    user_service_timeout: float = 5.0
    s3_bucket_name: str
    s3_endpoint_url: str | None = None
    s3_public_endpoint_url: str | None = None
    s3_region: str
    s3_access_key: str
    s3_secret_key: str
    signed_url_expiration: int = 3600
    jwt_secret_key: str
    cors_allow_origin: str = "*"


settings = Settings()
