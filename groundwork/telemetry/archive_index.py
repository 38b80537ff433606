"""Which traces a file of archived spans may hold: a Bloom filter, so that a trace is found without opening every file.

Ten bits for each trace and seven probes: of a hundred files that do not hold a trace, one is opened in vain. A trace id is
32 random digits, so its own bits are the hashes; ids that are not random only cost more openings.

Source: Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors (1970); Kirsch and Mitzenmacher, Less Hashing,
Same Performance (2006), for making all probes of two hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

BITS = 10
PROBES = 7


def filter_of(trace_ids: Iterable[str]) -> bytes:
    """Return the filter of some traces; none are found in an empty one."""
    ids = set(trace_ids)
    if not ids:
        return b""
    held = bytearray((len(ids) * BITS + 7) // 8)
    for trace_id in ids:
        for bit in _bits(trace_id, len(held) * 8):
            held[bit >> 3] |= 1 << (bit & 7)
    return bytes(held)


def may_hold(held: bytes, trace_id: str) -> bool:
    """Say whether the trace may be in the file; False is certain."""
    return bool(held) and all(held[bit >> 3] >> (bit & 7) & 1 for bit in _bits(trace_id, len(held) * 8))


def _bits(trace_id: str, size: int) -> Iterator[int]:
    first, second = int(trace_id[:16], 16), int(trace_id[16:], 16) | 1
    return ((first + n * second) % size for n in range(PROBES))
