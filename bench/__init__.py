"""Benchmarks: each prints a ratio against a bare Tornado handler measured in the same run."""
