"""Loaders, the sniffer and the sandbox they run in."""
