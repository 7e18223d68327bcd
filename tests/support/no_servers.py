"""Variables for functions whose servers are all unavailable."""

NO_SERVERS = {
    "ENVIRONMENT": "local",
    "JWT_SECRET_KEY": "local",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "secret",
    "USER_SERVICE_URL": "http://127.0.0.1:9",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "REDIS_PORT": "9",
}
