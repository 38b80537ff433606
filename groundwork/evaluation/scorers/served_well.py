"""Was a request served well, as far as can be told without a reference? For canaries and live traffic."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, declined
from groundwork.evaluation.scorers._support import Cited, grounds_of, quotes_of, sentences_of, supported
from groundwork.evaluation.types import Output, Score


class ServedWell(Base):
    """1 or 0: an answer came, and every sentence is supported by what it cites.

    It is 0 for an error, for a sentence the app itself marked as unsupported, and for one that the cited quotes (the
    passages, where an answer cites nothing at all) do not support. Declining is well only where the example is known to be
    impossible or nothing was found to answer from. That an answer is right it cannot tell.
    """

    binary: ClassVar[bool] = True
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        if declined(output):
            rightly = example.impossible or not output.passages
            why = (
                "declined, and nothing was there to answer from"
                if rightly
                else "declined although passages came"
            )
            return Score(float(rightly), label="declined", reason=why)
        said = sentences_of(output)
        grounds = grounds_of(example, output)
        for sentence in said:
            if not _well(sentence, output, grounds, services):
                return Score(0.0, label="unsupported", reason=f"not supported: {sentence.text[:160]}")
        return Score(1.0, label="well", parts={"sentences": len(said)})


def _well(sentence: Cited, output: Output, grounds: tuple[str, ...], services: Services) -> bool:
    if sentence.supported is False:
        return False
    quotes = list(quotes_of(output, sentence.citations).values())
    return supported(services, sentence.text, quotes or (grounds if not output.citations else ()))


plugin = ServedWell
