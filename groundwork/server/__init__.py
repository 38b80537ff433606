"""The doors over HTTP: the platform's routes, the console, and the process that serves them."""
