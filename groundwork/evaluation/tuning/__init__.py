"""Tuning: the search for a better configuration whose reported gain is not the maximum of a search."""
