"""What a question asks for: the type of its answer, its content words with weights, its names, numbers and polarity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from groundwork.answers.reading.terms import (
    ENGLISH_STOP_WORDS,
    STOP_WORDS,
    Token,
    fold,
    stem,
    tokens,
    wordset,
)

AnswerType = Literal["person", "time", "place", "count", "reason", "manner", "polar", "steps", "thing"]
MAX_QUESTION_TOKENS = 256
"""A longer question (a pasted page) is read up to here."""


@dataclass(frozen=True)
class Question:
    """A question, read.

    Attributes:
        type: what kind of thing would answer it.
        content: its content tokens in order, without question words, stop words and repetitions.
        terms: the terms of `content`, in order.
        focus: the noun the question word belongs to (`what [country]`), as a term; empty when there is none.
        names: terms written with a capital (not as the first word) or holding digits with letters.
        numbers: terms written in digits.
        negated: whether it asks for what is not.
        asks_list: whether it asks for several things.
        english: whether its letters and small words are English.
    """

    type: AnswerType
    content: tuple[Token, ...]
    terms: tuple[str, ...]
    focus: str
    names: frozenset[str]
    numbers: frozenset[str]
    negated: bool
    asks_list: bool
    english: bool


def read_question(text: str) -> Question:
    """Return what can be told of a question without knowing the passages."""
    words = tokens(text[:4_000], MAX_QUESTION_TOKENS)
    folded = [fold(t.surface) for t in words]
    asked = _asked(folded)
    content: dict[str, Token] = {}
    for place, token in enumerate(words):
        if folded[place] in STOP_WORDS or token.term in STOP_WORDS or folded[place] in _CARRIERS:
            continue
        content.setdefault(token.term, token)
    names = frozenset(
        t.term
        for place, t in enumerate(words)
        if t.term in content and ((t.name and place > 0) or (len(t.surface) > 1 and t.surface.isupper()))
    )
    return Question(
        type=asked,
        content=tuple(content.values()),
        terms=tuple(content),
        focus=_focus(words, folded),
        names=names,
        numbers=frozenset(t.term for t in words if t.surface[0].isdigit()),
        negated=any(f in NEGATIONS for f in folded),
        asks_list=any(f in _LISTING for f in folded) or asked == "steps",
        english=_is_english(words, folded),
    )


def _is_english(words: list[Token], folded: list[str]) -> bool:
    latin = sum(1 for t in words if t.surface[0] < "\u0250")
    small = sum(1 for f in folded if f in ENGLISH_STOP_WORDS)
    other = sum(1 for f in folded if f in STOP_WORDS and f not in ENGLISH_STOP_WORDS)
    return latin >= 0.8 * len(words) and small >= other


def parts(text: str) -> list[str]:
    """Return the questions that a question is made of: `Who … and how many …?` are two; more than three stay one."""
    found = [part.strip() for part in _SEAM.split(text[:4_000])]
    askable = all(read_question(part).terms for part in found)
    return found if 1 < len(found) <= MAX_PARTS and askable and len(text) <= 4_000 else [text]


MAX_PARTS = 3
_SEAM = re.compile(
    r"[,;]?\s+and\s+(?=(?:who|whom|whose|what|when|where|why|how|which)\b)|[?؟？]\s+(?=\w)", re.IGNORECASE
)
NEGATIONS = wordset(
    "not no never neither nor none without except cannot cant didnt doesnt dont isnt wasnt werent wont"
    " couldnt wouldnt hasnt havent hadnt shouldnt arent nobody nothing nowhere hardly unable lack fail"
    " nicht kein keine nie ohne no nunca sin ne pas jamais sans не нет никогда без لا لم ليس غير 不 没 没有"
)
_LISTING = wordset(
    "steps step list types kinds examples features ways options requirements schritte pasos etapes"
)
# Words that carry a question but are not expected in its answer.
_CARRIERS = wordset(
    "name names named call called term terms type types kind kinds sort example examples please tell explain describe"
    " give list mean means meant refer refers referred say said happen happened happens thing things way ways step steps"
    " come someone something"
)

_TYPES: Mapping[str, AnswerType] = {
    **dict.fromkeys(wordset("who whom whose wer wen wem quien quienes qui кто кого кому 谁 من"), "person"),
    **dict.fromkeys(wordset("when wann cuando quand когда متي 时候 几年 哪年 何时"), "time"),
    **dict.fromkeys(
        wordset("where wo wohin woher donde adonde ou где куда откуда اين 哪里 哪儿 何处"), "place"
    ),
    **dict.fromkeys(wordset("why warum weshalb wieso pourquoi почему зачем لماذا 为什 为何"), "reason"),
    **dict.fromkeys(
        wordset("wieviel wieviele cuanto cuantos cuanta cuantas combien сколько كم 多少 几个"), "count"
    ),
    **dict.fromkeys(wordset("how wie como comment как كيف 如何 怎么 怎样"), "manner"),
}
_POLAR = wordset("is are was were do does did can could will would should has have had may must am")
_TIMES = wordset("year years date day month century decade era period time jahr ano annee год 年")
_PLACES = wordset("country countries city cities state place location region town continent island province")
_PERSONS = wordset("person man woman people leader author president king queen scientist actor player")
_COUNTS = wordset("number amount percentage percent proportion population size age cost price rate")
_MEASURES = wordset(
    "many much long old far large big high tall deep fast often wide heavy hot cold viele viel"
)
_STEPS = wordset("steps step procedure process instructions")


def _asked(folded: list[str]) -> AnswerType:
    for place, word in enumerate(folded):
        following = folded[place + 1 : place + 4]
        if word in ("what", "which", "welche", "welches", "welcher", "que", "quel", "quelle"):
            return _of_focus(following, folded)
        if word in ("how", "wie") and following[:1]:
            if following[0] in _MEASURES:
                return "count"
            if (
                following[0] in ("do", "can", "to", "should")
                and following[1:2]
                and following[1] in ("i", "you", "we", "to")
            ):
                return "steps"
        if word in _TYPES:
            return _TYPES[word]
    if folded and folded[0] in _POLAR:
        return "polar"
    return "thing"


def _of_focus(following: list[str], folded: list[str]) -> AnswerType:
    for word in following[:2]:
        if word in _TIMES:
            return "time"
        if word in _PLACES:
            return "place"
        if word in _PERSONS:
            return "person"
        if word in _COUNTS:
            return "count"
        if word in _POLAR or word in ("the", "a"):
            continue
    return "steps" if _STEPS & set(folded) else "thing"


_WH = wordset("what which whose welche welcher welches que quel quelle")


def _focus(words: list[Token], folded: list[str]) -> str:
    """Return the noun after `what`, `which` or `how many`, or after `what is the`, as a term."""
    for place, word in enumerate(folded):
        if word in _WH or (word == "how" and folded[place + 1 : place + 2] in (["many"], ["much"])):
            for ahead in range(place + 1, min(place + 6, len(words))):
                candidate = folded[ahead]
                if candidate in STOP_WORDS or candidate in ("many", "much", "name", "type", "kind", "term"):
                    continue
                return stem(candidate)
            return ""
    return ""
