"""Judges the manifest rewriter by parsers that know nothing of it.

``python -m tools.corpus DIR`` takes every manifest below DIR; ``tests/judges`` uses the same
judges on manifests of this project.
"""
