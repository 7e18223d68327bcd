"""From segments to a film that players understand: what lies where, and both manifests of it."""
