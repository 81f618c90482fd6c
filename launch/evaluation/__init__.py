"""Benchmarks of a model: the twenty, how they are run, and what is kept of them."""
