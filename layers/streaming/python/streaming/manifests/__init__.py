"""Rewrites HLS and DASH manifests so that every URL of an object of the film is signed.

The package is pure: it performs no I/O and takes and returns bytes and plain values.
``streaming.delivery`` reads the manifests from the bucket, signs the URLs and writes the copies.
"""
