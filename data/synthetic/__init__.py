"""Corpora of generated examples: candidates are made and proved in chunks, and what was chosen can be replayed."""
