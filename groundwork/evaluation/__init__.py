"""Evaluation: scorers, judges, statistics, comparisons and gates. It decides; it promotes nothing."""
