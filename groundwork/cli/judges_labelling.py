"""Label a sample at the terminal: one item at a time, one key each, what is labelled is kept at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from groundwork.cli import judges_view as view
from groundwork.cli.screen import Screen

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.evaluation.judges.judges import Judges
    from groundwork.evaluation.judges.samples import SampleItem

KEYS = "1234567890-"


class Session:
    """One sitting. It ends with the last item, with `q`, or with the end of the input; nothing has to be saved.

    Args:
        source: where keys come from: single keys of a terminal, else the first letter of each line.
    """

    def __init__(
        self, judges: Judges, principal: Principal, sample_id: str, out: TextIO, source: TextIO | None = None
    ) -> None:
        self._judges = judges
        self._principal = principal
        self._sample = judges.sample(principal, sample_id)
        self._labels = judges.words(principal, self._sample.judge)
        self._out = out
        self._in = source or sys.stdin
        self._screen = Screen.of(out)
        self._skipped: set[str] = set()

    def run(self) -> None:
        """Go through the items this person has not labelled, in the order of the draw."""
        while (item := self._next()) is not None:
            self._say(view.item(item, self._labels, KEYS, self._screen))
            if not self._handled(item):
                return

    def _next(self) -> SampleItem | None:
        items = self._judges.items(self._principal, self._sample.id)
        left = [i for i in items if not i.label and not i.gone and i.item not in self._skipped]
        return left[0] if left else None

    def _handled(self, item: SampleItem, comment: str = "") -> bool:
        """Do what is asked for an item; False ends the sitting."""
        while True:
            key = self._key()
            if key in ("q", ""):
                return False
            if key == "u":
                self._undo()
                return True
            if key == "s":
                self._skipped.add(item.item)
                return True
            if key == "c":
                self._say(["comment: "])
                comment = self._in.readline().strip()
                continue
            place = KEYS.find(key)
            if 0 <= place < len(self._labels):
                self._judges.label(self._principal, self._sample.id, item.item, self._labels[place], comment)
                self._say([f"{self._labels[place]}"])
                return True
            self._say([f"press {', '.join(KEYS[: len(self._labels)])}, s, u, c or q"])

    def _undo(self) -> None:
        taken = self._judges.undo(self._principal, self._sample.id)
        self._skipped.clear()
        self._say([f"took back `{taken.label}`" if taken else "there is nothing to take back"])

    def _key(self) -> str:
        """Return the next key in lower case; empty at the end of the input."""
        if not self._in.isatty():
            while True:
                line = self._in.readline()
                if not line or line.strip():
                    return line.strip()[:1].lower()
        import termios
        import tty

        number = self._in.fileno()
        before = termios.tcgetattr(number)
        try:
            tty.setcbreak(number)
            pressed = self._in.read(1)
        finally:
            termios.tcsetattr(number, termios.TCSADRAIN, before)
        return "" if pressed == "\x04" else pressed.lower()

    def _say(self, lines: list[str]) -> None:
        print("\n".join(lines), file=self._out, flush=True)
