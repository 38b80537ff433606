"""Words of a text in any script, folded and lightly stemmed.

This is deliberately not the analyzer of the index: the reader's trained weights hold for exactly these terms, so they must
not move when the analyzer improves. Scripts written without blanks give overlapping pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
_TOKEN = re.compile(
    rf"\d+(?:[.,]\d+)*+|[{_UNSPACED}]++|[^\W\d_{_UNSPACED}]++[^\W_{_UNSPACED}]*+(?:['’][^\W_{_UNSPACED}]++)?"
)


MAX_WORD_CHARS = 64
"""What is longer is no word; terms are made of this much of it."""


class Token(NamedTuple):
    """A word as it stands (`surface` is characters `start:end`) and its term.

    Attributes:
        number: whether it is written in digits, or is an English number word.
        name: whether it begins with a capital letter.
    """

    term: str
    start: int
    end: int
    surface: str
    number: bool = False
    name: bool = False


def tokens(text: str, limit: int = 20_000) -> list[Token]:
    """Return the words of a text in order, at most about `limit`."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        word = match[0]
        first = word[0]
        if first.isdigit():
            found.append(Token(word.replace(",", ""), match.start(), match.end(), word, number=True))
        elif is_unspaced(first):
            found.extend(_pairs(word, match.start()))
        else:
            term, number, name = _word(word[:MAX_WORD_CHARS])
            found.append(Token(term, match.start(), match.end(), word, number, name))
        if len(found) >= limit:
            break
    return found


@lru_cache(maxsize=65_536)
def _word(word: str) -> tuple[str, bool, bool]:
    """Return term, whether it is a number word, and whether it begins with a capital."""
    folded = fold(word)
    return stem(folded), folded in NUMBER_WORDS, word[0].isupper()


def is_unspaced(character: str) -> bool:
    """Whether a character belongs to a script that is written without blanks between words (or is Hangul)."""
    code = ord(character)
    return (
        0x0E00 <= code <= 0x0EFF
        or 0x1000 <= code <= 0x109F
        or 0x1780 <= code <= 0x17FF
        or 0x3040 <= code <= 0x30FF
        or 0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xAC00 <= code <= 0xD7AF
        or 0xF900 <= code <= 0xFAFF
    )


def _pairs(run: str, start: int) -> list[Token]:
    if len(run) == 1:
        return [Token(run, start, start + 1, run)]
    return [Token(run[i : i + 2], start + i, start + i + 2, run[i : i + 2]) for i in range(len(run) - 1)]


@lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """Return a word in lower case without accents, possessive `'s` and Arabic vowel marks."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    folded = "".join(c for c in folded if not unicodedata.combining(c)).replace("’", "'")
    folded = folded.translate(_ARABIC)
    head, mark, tail = folded.partition("'")
    if mark and tail == "s":
        return head
    # l'eau, d'une, qu'il: the article is not part of the word
    return (
        tail
        if mark and len(head) <= 2 and len(tail) > 2 and tail not in ("re", "ve", "ll")
        else folded.replace("'", "")
    )


_ARABIC = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي", "ـ": None}
)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the term of a folded word: English endings are taken off, other alphabets lose common prefixes and endings."""
    if word in STOP_WORDS or len(word) < 4:
        return _IRREGULAR.get(word, word)
    if word.isascii():
        return _IRREGULAR.get(word) or _english(word)
    if "\u0600" <= word[0] <= "\u06ff":
        return _arabic(word)
    # Inflected alphabets (Cyrillic, Greek, …): the beginning carries the meaning.
    return word[: max(4, len(word) - 2)] if len(word) > 5 else word


def _english(word: str) -> str:
    for ending, put, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: -len(ending)] + put
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    for ending, put, least in _SUFFIXES:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: -len(ending)] + put
            break
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


# (ending, what stands in its place, least number of letters before it); the first that fits is used.
_ENDINGS = (
    ("sses", "ss", 2), ("ies", "y", 2), ("ied", "y", 2), ("ss", "ss", 0), ("us", "us", 0), ("is", "is", 0),
    ("xes", "x", 2), ("ches", "ch", 2), ("shes", "sh", 2), ("zes", "ze", 2), ("s", "", 3),
    ("edly", "", 3), ("ingly", "", 3), ("ing", "", 3), ("eed", "eed", 0), ("ed", "", 3),
)  # fmt: skip
_SUFFIXES = (
    ("ification", "ifi", 3), ("ization", "", 3), ("isation", "", 3), ("ational", "", 3), ("fulness", "ful", 3),
    ("iveness", "", 3), ("ation", "", 3), ("ition", "", 3), ("ically", "ic", 3), ("ment", "", 4), ("ness", "", 4),
    ("ion", "", 4),
    ("ity", "", 4), ("ally", "al", 3), ("ly", "", 3), ("isms", "", 4), ("ism", "", 4), ("ist", "", 4), ("ers", "", 4),
    ("er", "", 4), ("or", "", 4), ("ise", "", 4), ("ance", "", 4), ("ence", "", 4), ("al", "", 4), ("ive", "", 4),
    ("ian", "", 4), ("ate", "", 4), ("ant", "", 4), ("ent", "", 4), ("ize", "", 4), ("ic", "", 4),
)  # fmt: skip


def _arabic(word: str) -> str:
    for prefix in ("وال", "بال", "كال", "فال", "لل", "ال"):
        if word.startswith(prefix) and len(word) - len(prefix) >= 3:
            word = word[len(prefix) :]
            break
    for ending in ("ات", "ون", "ين", "ان", "يه", "ها", "هم", "ه", "ي"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def wordset(text: str) -> frozenset[str]:
    """Return the words of a list written as text."""
    return frozenset(text.split())


_IRREGULAR = {
    "began": "begin", "begun": "begin", "became": "becom", "bought": "buy", "brought": "bring", "built": "build",
    "chose": "choos", "chosen": "choos", "came": "come", "died": "die", "dying": "die", "death": "die", "dead": "die",
    "drew": "draw", "drawn": "draw", "fell": "fall", "fallen": "fall", "fought": "fight", "found": "find", "gave": "give",
    "given": "give", "grew": "grow", "grown": "grow", "growth": "grow", "held": "hold", "kept": "keep", "knew": "know",
    "known": "know", "led": "lead", "left": "leave", "lost": "lose", "made": "make", "making": "make", "meant": "mean",
    "met": "meet", "paid": "pay", "ran": "run", "running": "run", "said": "say", "sang": "sing", "saw": "see",
    "seen": "see", "sent": "send", "shown": "show", "sold": "sell", "sale": "sell", "spent": "spend", "spoke": "speak",
    "spoken": "speak", "stood": "stand", "taken": "take", "took": "take", "taking": "take", "taught": "teach",
    "thought": "think", "told": "tell", "used": "use", "using": "use", "uses": "use", "went": "go", "gone": "go",
    "won": "win", "wore": "wear", "wrote": "write", "written": "write", "writing": "write", "birth": "bear",
    "born": "bear", "men": "man", "women": "woman", "children": "child", "people": "person", "wives": "wife",
    "lives": "life", "live": "life", "lived": "life", "living": "life", "better": "good", "best": "good",
    "larger": "larg", "largest": "larg", "highest": "high", "higher": "high", "longest": "long", "length": "long",
    "biggest": "big", "bigger": "big", "earliest": "earli", "earlier": "earli", "latest": "late", "later": "late",
    "oldest": "old", "older": "old", "smallest": "small", "smaller": "small", "lowest": "low", "lower": "low",
    "french": "franc", "france": "franc", "british": "britain", "german": "german", "germany": "german",
    "germans": "german", "dutch": "netherland", "spanish": "spain", "chinese": "china", "english": "england",
    "swiss": "switzerland", "irish": "ireland", "scottish": "scotland", "welsh": "wale", "polish": "poland",
}  # fmt: skip

NUMBER_WORDS = wordset(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million
    millions billion billions trillion dozen dozens half third quarter twice once double triple
    """
)

ENGLISH_STOP_WORDS = wordset(
    """
    a an the this that these those of in on at by for from to with as into onto upon about over under between among
    through during before after above below up down out off again further then once and or but nor so if because while
    until although though than too very just also only own same both each few more most other some such no not any all
    i me my we us our you your he him his she her it its they them their who whom whose which what when where why how is
    are was were be been being am do does did doing done have has had having can could will would shall should may might
    must there here s t re ve ll d m didnt doesnt dont isnt wasnt werent cant
    """
)
STOP_WORDS = ENGLISH_STOP_WORDS | wordset(
    """
    der die das ein eine einer einem einen des dem den und oder aber nicht ist sind war waren wird wurde wurden werden
    hat haben hatte hatten kann mit von zu zum zur im am auf aus bei fur nach seit uber um vor wie was wer wo wann warum
    welche welcher welches welchen welchem wem wen sich es er sie auch als an bis dass durch nur noch so
    el la los las un una unos unas de del al y o u que en por para con sin sobre se su sus es son fue fueron era eran ha
    han ser como cuando donde quien quienes cual cuales cuanto cuantos cuantas cuanta lo le les no mas pero si
    le les du et ou est sont etait dans sur avec sans par pour qui quoi quand comment pourquoi combien quel quelle quels
    quelles ce cette ces il elle ils elles on ne pas plus au aux
    и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по ее мне было вот от меня о из ему
    когда кто где какой какая какие какое каких какую каким сколько почему это был была были быть для или их чем при
    من في على الي عن هل ما ماذا متي اين كيف كم لماذا هو هي هم التي الذي الذين كان كانت هذا هذه ذلك تلك ان او و مع قد لا لم
    什么 多少 如何 哪些 哪个 哪里 为什 是什 么时 时候 的是 了什 谁 吗 的 了 是 在 和 与
    """
)
