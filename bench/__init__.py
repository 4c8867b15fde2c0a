"""Benchmarks: each prints what it measured, with the command that reproduces it."""
