"""Judges: models that score by a rubric, and the records that say how far each may be trusted."""
