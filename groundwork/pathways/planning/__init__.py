"""Dated plans: the gap, its order, the days, how likely they are, and why each item stands where it does."""
