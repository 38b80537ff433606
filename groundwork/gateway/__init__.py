"""One door to every model: dialects in, providers out, and between them keys, budgets, cache, retries and the ledger."""
