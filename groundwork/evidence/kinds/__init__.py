"""Kinds of records that predicates can ask about, one file each, named for the record.

A kind declares typed fields over the tables of a room and reads them for one principal; nothing is written. A kind whose
room is not built yet stands in `WAITING` with the room's name; once that room exists a test fails until the kind has a file.
"""
