"""The nouns and rules of watching films; no input or output."""
