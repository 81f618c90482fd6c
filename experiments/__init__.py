"""Configs of runs: each file's `get_config(arg)` returns an ml_collections.ConfigDict; its docstring is how to run it."""
