"""The part of Groundwork that runs inside other programs: it watches functions and calls of models, and sends what it saw.

It needs nothing beyond the standard library, does its sending in a thread of its own, and never breaks or slows its host:
where the server is away or too slow, spans are dropped and counted.
"""
