"""Readers turn a question and retrieved passages into a draft; a generating model is one, the extractive reader another.

A reader may be wrong and need not be honest: what it quotes is checked against the stored text afterwards, and a sentence
without a checked quote is dropped. A reader that is deterministic says so; only its answers can be replayed by running it.
A reader that asks models (`ModelReader`) records every exchange in its draft; its answers are replayed from these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from groundwork.answers.types import Claim, Draft, Exchange, Passage, Quote, Shown, Turn
from groundwork.core.shelf import Shelf
from groundwork.gateway.types import Caller

if TYPE_CHECKING:
    Say = Callable[[float, Claim, Sequence[Quote], Sequence[Passage]], None]


class Reader(Protocol):
    """Constructors only remember parameters."""

    deterministic: ClassVar[bool]

    @property
    def fingerprint(self) -> str:
        """Digest of everything the draft depends on besides question and passages."""
        ...

    def pinned(self) -> dict[str, object]:
        """Return the spec this reader can be made from again, with every automatic choice made: `{name, …}`.

        What differs from machine to machine without changing a draft, such as folders, is left out.
        """
        ...

    def read(self, question: str, passages: Sequence[Passage]) -> Draft: ...


@dataclass(frozen=True)
class Occasion:
    """What a model reader needs to know of the answer it works for.

    Attributes:
        caller: on whose account models are asked.
        recorded: what models said when the answer was made; with it no model is asked. None: they are asked.
        shown: what the models were shown then; it decides what they are shown now, whatever counts tokens today.
        strict: what was recorded counts only for the request it was recorded for.
        say: told each sentence as soon as the model has finished it, with the confidence that the whole draft will have,
            the quotes so far and the passages they are of; None: nobody listens, and nothing is streamed.
        calibrated: the calibrated threshold of a cascade's tiers, None where there is none.
    """

    caller: Caller = field(default_factory=Caller)
    recorded: tuple[Exchange, ...] | None = None
    shown: tuple[Shown, ...] = ()
    strict: bool = True
    say: Say | None = None
    calibrated: float | None = None


@runtime_checkable
class ModelReader(Reader, Protocol):
    """A reader that asks models."""

    @property
    def prompt_pin(self) -> str:
        """The prompt version it uses, as `name@digest`."""
        ...

    def read_for(self, question: str, passages: Sequence[Passage], occasion: Occasion) -> Draft:
        """Return a draft with every exchange; what it says through `occasion.say` it never takes back.

        Raises:
            GroundworkError: a model failed in a way that nobody else may stand in for, or nobody is to.
            OtherRequestError: a recorded exchange is for another request than the one to make now.
        """
        ...

    def condense(
        self, turns: Sequence[Turn], question: str, occasion: Occasion
    ) -> tuple[str, tuple[Exchange, ...]]:
        """Return the question made to stand alone, and the exchanges that took."""
        ...


READERS: Shelf[Reader] = Shelf("reader", home="groundwork.answers.readers")
