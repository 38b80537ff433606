"""Prompts are files: templates without logic, with typed holes; each state of one is a version named by its digest."""
