"""Labs of these tests: small, without records of their own."""
