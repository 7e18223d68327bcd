"""Rewrites HLS and DASH manifests so that every URL inside a film is a signed one.

Everything in this package is pure: bytes and plain values in, bytes and plain values out. Reading
manifests from a bucket, signing and writing the copies is the work of ``streaming.delivery``.
"""
