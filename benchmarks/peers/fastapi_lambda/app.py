"""The Lambda handler: a FastAPI application behind Mangum."""

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from mangum import Mangum
from service import problems
from service.routes import router
from service.settings import settings

app = FastAPI(title="Streaming")
app.add_middleware(
    CORSMiddleware,
    allow_origins=[settings.cors_allow_origin],
    allow_methods=["GET", "POST"],
    allow_headers=["authorization", "content-type"],
)
problems.install(app)
app.include_router(router)

handler = Mangum(app, lifespan="off")
