"""Words every room uses: ids, digests, clock, errors, settings, shelves, principals. No input or output."""
