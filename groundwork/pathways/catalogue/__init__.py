"""The catalogue: shipped YAML, what teams add, checked by a schema and versioned by its digest."""
