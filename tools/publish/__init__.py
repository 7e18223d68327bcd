"""Publishes a film in the form that the service plays: `python -m tools.publish FILE`.

The source is one file from an editor. Players need a ladder of segmented renditions, with HLS and
DASH manifests. Each step has its own module: probe the file, choose the ladder, encode, package,
upload, check.
"""
