"""Presigned URLs of Amazon S3, without I/O."""
