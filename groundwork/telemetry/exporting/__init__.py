"""Spans onward to the tools that people run already, by OTLP over HTTP.

The store itself is the spool: a cursor says up to which span everything has been acknowledged. So nothing is written twice,
a restart or a killed process goes on where the target has last said yes, and no request ever waits for the target.
"""
