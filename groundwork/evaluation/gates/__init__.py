"""Gates: the rule that compares candidate and baseline, written down before the run, and its verdict."""
