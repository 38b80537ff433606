"""Files of other evaluation tools, read and written: Inspect logs, promptfoo configs and results."""
