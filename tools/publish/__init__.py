"""Puts a film into the bucket as the service plays it: `python -m tools.publish FILE`.

A company's films arrive as one file from an editor; players need a ladder of renditions in
segments, with manifests in HLS and DASH. The steps are modules of their own: probe the file, choose
the ladder, encode, package, upload, check.
"""
