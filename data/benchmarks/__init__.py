"""Benchmarks' files as their authors publish them, and as they are repacked: read, checked and put into one form each."""
