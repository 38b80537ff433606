"""How an answer came out, as attributes of its span: whoever makes the span sets them, dashboards count them."""

from __future__ import annotations

ABSTAINED = "groundwork.abstained"
"""Of a span of kind `answer`: true where the app said that it does not know; false where it answered."""
SENTENCES = "groundwork.sentences"
"""Of a span of kind `answer`: how many sentences the answer was written with."""
UNSUPPORTED = "groundwork.sentences.unsupported"
"""Of a span of kind `answer`: how many of them no checked quote supports."""
OPEN = "groundwork.open"
"""Of our own spans: true while the work goes on. Such a span is shown, but neither counted, archived nor exported: the one
that takes its place when the work has ended is, and has a greater `seq`."""
