"""The playback API with FastAPI, SQLAlchemy, asyncpg, redis, aiokafka, httpx and boto3."""
