"""From a question to a cited answer that is recorded, can be replayed and explained."""
