"""Become the engineer: roles, plans, labs, quizzes and proofs, over the records of what a person really built here.

Personal state is records like any other, in the same database, under erasure and export. Nothing below imports this room, so
the platform works without it.
"""
