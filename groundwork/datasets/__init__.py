"""Datasets: immutable versions of examples, what waits to become one, and where each came from."""
