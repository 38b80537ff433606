"""What happened, as spans: stored before it is acknowledged, found at once, and exported to whoever else wants to see it.

A span is a record. Those of our own work follow from the records of other rooms (an answer, a call, a job), so that they
cost the work itself nothing and cannot contradict it; those of other programs come in by OTLP. Both are the same `Span`.
"""
