"""The environment variables of the functions on this machine, by their names in template.yaml."""

from local.credentials import Credentials
from local.ports import Ports
from local.servers.postgres import DATABASE, USER
from local.servers.s3 import REGION

BUCKET = "vod"
TOPIC_PREFIX = "stream"


def function_environment(ports: Ports, credentials: Credentials) -> dict[str, str]:
    """Return the variables that configure the functions for the local servers."""
    s3 = f"http://127.0.0.1:{ports.s3_port}"
    database = f"{USER}:{credentials.postgres_password}@127.0.0.1:{ports.postgres_port}/{DATABASE}"
    return {
        "ENVIRONMENT": "local",
        "LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "streaming",
        "CORS_ALLOW_ORIGIN": "*",
        "DOCS_ENABLED": "true",
        "S3_ENDPOINT_URL": s3,
        "S3_PUBLIC_ENDPOINT_URL": s3,
        "S3_ACCESS_KEY": credentials.s3_signer_access_key,
        "S3_SECRET_KEY": credentials.s3_signer_secret_key,
        "S3_BUCKET_NAME": BUCKET,
        "S3_REGION": REGION,
        "SIGNED_URL_EXPIRATION": "3600",
        "DELIVERY": "s3",
        "DELIVERY_WINDOW_SECONDS": "3600",
        # In AWS the runtime sets these from the role of the function.
        "AWS_ACCESS_KEY_ID": credentials.s3_service_access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.s3_service_secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "USER_SERVICE_URL": f"http://127.0.0.1:{ports.user_service_port}",
        "USER_SERVICE_TIMEOUT": "5",
        "SUBSCRIPTION_GRACE_SECONDS": "900",
        "MAX_CONCURRENT_STREAMS": "0",
        "CONTINUE_WATCHING_MIN_SECONDS": "30",
        "CONTINUE_WATCHING_MIN_PERCENT": "5",
        "JWT_SECRET_KEY": credentials.jwt_secret_key,
        "JWT_ALGORITHM": "HS256",
        "JWT_JWKS_URL": "",
        "JWT_ISSUER": "",
        "JWT_AUDIENCE": "",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports.kafka_port}",
        "KAFKA_TOPIC_PREFIX": TOPIC_PREFIX,
        "ENABLE_KAFKA": "true",
        "ENABLE_ANALYTICS": "true",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(ports.redis_port),
        "REDIS_PROGRESS_TTL": "86400",
        "REDIS_SUBSCRIPTION_CACHE_TTL": "300",
        "DATABASE_URL": f"postgresql://{database}",
        "PERSONAL_DATA_RETENTION_DAYS": "30",
    }
