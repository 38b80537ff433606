"""Releases: pinned sets of versions, the environments they stand in, and how they get there and back."""
