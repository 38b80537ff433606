"""Contracts as test classes: for the project's own shelves and for plug-ins of outside packages."""
