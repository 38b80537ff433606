"""Keep the collector of circular garbage from walking through everything a server has loaded.

A full collection looks at every object there is, some hundred thousand after start-up, and holds up every request for a
tenth of a second. What start-up has made stays for good: it is set aside, and young objects are collected in larger lots.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 50


def set_aside() -> None:
    """Count what exists now as there for good, and collect less often; may be called again after loading more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
