"""What a town says about its services: facts for labs, each with a number that is drawn.

A fact is one sentence of a document, the question that it answers, and what a right answer holds. Equal randoms give equal
facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

# A topic; below it sentence|question|unit of the number|its range.
_SAID = """
Library
  A library card costs {n} euros a year.|What does a library card cost a year?|euros|11-40
  Books may be borrowed for {n} days.|For how many days may books be borrowed?|days|15-45
  Lost books are charged after {n} weeks.|After how many weeks are lost books charged?|weeks|3-12
Swimming pool
  A ticket for the swimming pool costs {n} euros.|What does a ticket for the swimming pool cost?|euros|4-19
  The swimming lane is {n} metres long.|How many metres long is the swimming lane?|metres|21-60
  Lockers are emptied after {n} hours.|After how many hours are lockers emptied?|hours|13-40
Parking
  A parking permit for residents costs {n} euros a year.|What does a parking permit for residents cost a year?|euros|61-190
  The car park at the station has {n} places.|How many places has the car park at the station?|places|110-480
  Tickets for the meter last {n} minutes at most.|How many minutes do tickets for the meter last at most?|minutes|65-175
Waste
  Bulky waste is collected within {n} days of the order.|Within how many days is bulky waste collected?|days|9-30
  A second bin costs {n} euros a month.|What does a second bin cost a month?|euros|5-25
  Garden waste is taken up to {n} bags.|Up to how many bags of garden waste are taken?|bags|5-18
Market
  A stall on the market costs {n} euros a day.|What does a stall on the market cost a day?|euros|23-85
  The market square holds {n} stalls.|How many stalls does the market square hold?|stalls|33-99
  Traders apply {n} weeks ahead.|How many weeks ahead do traders apply?|weeks|3-14
Dogs
  The tax for a dog is {n} euros a year.|How much is the tax for a dog a year?|euros|55-140
  A leash may be {n} metres long in the park.|How many metres long may a leash be in the park?|metres|3-12
  A found dog is kept for {n} days.|For how many days is a found dog kept?|days|13-60
Passports
  A new passport takes {n} days.|How many days does a new passport take?|days|17-55
  An express passport costs {n} euros more.|How much more does an express passport cost?|euros|27-80
  A passport photo may be {n} months old.|How many months old may a passport photo be?|months|3-11
Weddings
  A wedding at the town hall costs {n} euros.|What does a wedding at the town hall cost?|euros|81-260
  The wedding room seats {n} guests.|How many guests does the wedding room seat?|guests|23-90
  A wedding date is held for {n} days.|For how many days is a wedding date held?|days|11-40
Allotments
  An allotment costs {n} euros a season.|What does an allotment cost a season?|euros|45-160
  A shed may cover {n} square metres.|How many square metres may a shed cover?|square metres|7-25
  The waiting list for allotments is {n} months long.|How many months long is the waiting list for allotments?|months|13-70
"""
_OFF = 7
"""By how much a number that is made up is off."""


class _Kind(NamedTuple):
    topic: str
    sentence: str
    question: str
    unit: str
    numbers: range


def _kinds() -> Iterator[_Kind]:
    topic = ""
    for line in _SAID.strip().splitlines():
        if not line.startswith(" "):
            topic = line
            continue
        sentence, question, unit, numbers = line.strip().split("|")
        low, high = numbers.split("-")
        yield _Kind(topic, sentence, question, unit, range(int(low), int(high)))


_KINDS = tuple(_kinds())
TOPICS = tuple(dict.fromkeys(kind.topic for kind in _KINDS))
"""Each has three facts and one document."""


def draw_facts(random: Random, topics: int) -> list[dict[str, Any]]:
    """Return the facts of so many topics, each `{id, topic, sentence, question, expected, number}`; ids are `q01` and on."""
    facts: list[dict[str, Any]] = []
    for topic in random.sample(TOPICS, topics):
        kinds = [kind for kind in _KINDS if kind.topic == topic]
        for kind, n in zip(kinds, _numbers(random, kinds), strict=True):
            facts.append(
                {
                    "id": f"q{len(facts) + 1:02}",
                    "topic": topic,
                    "sentence": kind.sentence.format(n=n),
                    "question": kind.question,
                    "expected": f"{n} {kind.unit}",
                    "number": n,
                }
            )
    return facts


def documents(facts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the text of each document by its file name: one for each topic."""
    pages: dict[str, list[str]] = {}
    for fact in facts:
        pages.setdefault(str(fact["topic"]), []).append(str(fact["sentence"]))
    return {file_of(topic): f"# {topic}\n\n{' '.join(said)}\n" for topic, said in pages.items()}


def file_of(topic: str) -> str:
    """Return the name of a topic's document."""
    return topic.lower().replace(" ", "-") + ".md"


def examples(facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a golden set: one question a fact."""
    return [
        {"id": f["id"], "input": f["question"], "expected": f["expected"], "split": "test"} for f in facts
    ]


def wrong(fact: Mapping[str, Any]) -> str:
    """Return the sentence of a fact with another number: what a model says that makes things up."""
    n = int(fact["number"])
    return str(fact["sentence"]).replace(f" {n} ", f" {n + _OFF} ", 1)


def _numbers(random: Random, kinds: Sequence[_Kind]) -> list[int]:
    """Return a number for each fact of a document, so that neither it nor its made-up twin is that of another fact."""
    while True:
        drawn = [random.choice(kind.numbers) for kind in kinds]
        if len({*drawn, *(n + _OFF for n in drawn)}) == 2 * len(drawn):
            return drawn
