"""Where versions and records lie: the database, content-addressed blobs, leases, pointers. What rows mean is up to each room."""
