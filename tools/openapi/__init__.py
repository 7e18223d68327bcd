"""Writes the OpenAPI document, generated from the models of requests and responses.

``python -m tools.openapi FILE``; a test fails if the committed file differs.
"""
