"""Where versions and records lie: database, blobs, leases, pointers. What rows mean is up to each room."""
