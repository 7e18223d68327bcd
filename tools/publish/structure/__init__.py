"""Reads how a file is divided by its container format, without reading its media.

Demuxers read a file whose recordings were joined (`cat a.mp4 b.mp4 > c.mp4`) only up to the first
end, and a truncated one up to the last whole packet, in both cases without an error.
"""
