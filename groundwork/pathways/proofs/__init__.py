"""Proofs: findings that were signed, chained, and are looked at again whenever they are shown."""
