"""Presigned URLs of Amazon S3; no input or output."""
