"""Verifies the manifest rewriter with independent parsers, the judges.

``python -m tools.corpus DIR`` judges every manifest below DIR; ``tests/judges`` applies the same
judges to manifests of this project.
"""
