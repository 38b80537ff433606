"""Numbers, dates and units in one form, so that `1.2 million` is `1,200,000` and `3 March 2024` is `2024-03-03`."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

MAX_CHARS = 200_000
"""A longer text is read up to here."""

Quantity = Literal["number", "date", "percent", "money", "time"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text.

    Attributes:
        value: of a number; for a date year * 10,000 + month * 100 + day with 0 for what is not said; minutes of a time.
        unit: normalised name of what is counted (`km`, `usd`, `%`), empty where none is written beside it.
    """

    start: int
    end: int
    value: float
    kind: Quantity
    unit: str = ""

    @property
    def sort(self) -> str:
        """Return what it may be mistaken for: `date` (years, too), `time`, `%`, or `number`."""
        if self.kind == "number" and not self.unit and 1000 <= self.value <= 2999:
            return "date"
        return {"percent": "%", "money": "number"}.get(self.kind, self.kind)


_MONTH_NAMES = """january=jan february=feb march=mar april=apr may=may june=jun july=jul august=aug september=sep=sept
october=oct november=nov december=dec"""
_MONTHS = {name: at + 1 for at, names in enumerate(_MONTH_NAMES.split()) for name in names.split("=")}
_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=lambda m: -len(m))) + r")\b\.?"
_DATE = re.compile(
    rf"""\b(?:
      (?P<iy>[12]\d{{3}})-(?P<im>0?[1-9]|1[0-2])-(?P<id>0?[1-9]|[12]\d|3[01])(?=\b|T)
    | (?P<d1>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?:\ of)?\ (?P<m1>{_MONTH})(?:,?\ (?P<y1>[12]\d{{3}})\b)?
    | (?P<m2>{_MONTH})\ (?P<d2>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\b(?!:)(?:,?\ (?P<y2>[12]\d{{3}})\b)?
    | (?P<m3>{_MONTH})(?:\ of)?,?\ (?P<y3>[12]\d{{3}})\b
    | (?P<d4>0?[1-9]|[12]\d|3[01])\.(?P<m4>0?[1-9]|1[0-2])\.(?P<y4>[12]\d{{3}})\b
    | (?P<a5>\d{{1,2}})/(?P<b5>\d{{1,2}})/(?P<y5>[12]\d{{3}})\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_TIME = re.compile(
    r"\b(?P<h>[01]?\d|2[0-3])(?::(?P<m>[0-5]\d)(?::[0-5]\d)?)?\s?(?P<half>[ap]\.?m\b\.?)|\b(?P<h2>[01]?\d|2[0-3]):(?P<m2>[0-5]\d)\b",
    re.IGNORECASE,
)
_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NTH = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
sixteenth seventeenth eighteenth nineteenth twentieth"""
_WORDS: dict[str, float] = {word: float(at) for at, word in enumerate(_SMALL.split())}
_WORDS |= {word: 20.0 + 10 * at for at, word in enumerate(_TENS.split())}
_ORDINALS = {word: float(at + 1) for at, word in enumerate(_NTH.split())}
_SCALES = {
    "hundred": 1e2, "hundreds": 1e2, "thousand": 1e3, "thousands": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mn": 1e6,
    "billion": 1e9, "billions": 1e9, "bn": 1e9, "trillion": 1e12, "tn": 1e12, "dozen": 12.0, "lakh": 1e5, "crore": 1e7,
}  # fmt: skip
_WORD = "|".join(sorted((*_WORDS, *_ORDINALS), key=lambda w: -len(w)))
_SCALE = "|".join(sorted(_SCALES, key=lambda w: -len(w)))
_TAIL = rf"""(?:[\ -]?(?P<scale>{_SCALE})(?!\w)|(?P<short>[mMbB])(?!\w))?
    (?:\ ?(?P<percent>%|per\ ?cent\b|percent\b|percentage\ points?\b)
      |(?=[\ -]?(?P<unit>[^\W\d_]{{1,14}})(?!\w)))?"""
_DIGITS = re.compile(
    rf"""(?P<digits>\d{{1,3}}(?:,\d{{3}})++(?:\.\d++)?|\d++(?:\.\d++)?)(?P<nth>st|nd|rd|th)?(?!\d){_TAIL}""",
    re.IGNORECASE | re.VERBOSE,
)
_WORDED = re.compile(
    rf"""\b(?P<word>{_WORD})(?:[-\ ](?P<word2>{_WORD}))?(?!\w){_TAIL}""", re.IGNORECASE | re.VERBOSE
)
_UNITS = {
    name: key
    for key, names in {
        "km": "km kilometer kilometers kilometre kilometres", "m": "metre metres meter meters", "mile": "mile miles mi",
        "ft": "ft foot feet", "inch": "inch inches", "cm": "cm centimeter centimeters centimetre centimetres",
        "mm": "mm millimeter millimeters millimetre millimetres", "kg": "kg kilogram kilograms kilo kilos",
        "g": "gram grams", "mg": "mg milligram milligrams", "lb": "lb lbs pound pounds", "t": "ton tons tonne tonnes",
        "l": "liter liters litre litres", "ml": "ml milliliter milliliters", "s": "second seconds sec secs",
        "min": "minute minutes min mins", "h": "hour hours hr hrs", "d": "day days", "week": "week weeks",
        "month": "month months", "year": "year years yr yrs", "decade": "decade decades", "acre": "acre acres",
        "ha": "hectare hectares ha", "usd": "dollar dollars usd", "eur": "euro euros eur", "gbp": "gbp sterling",
        "kw": "kw kilowatt kilowatts", "mw": "mw megawatt megawatts", "gb": "gb gigabyte gigabytes",
        "mb": "mb megabyte megabytes", "tb": "tb terabyte terabytes", "ms": "ms millisecond milliseconds",
        "mph": "mph", "kmh": "kmh kph", "hz": "hz hertz", "ghz": "ghz", "mhz": "mhz", "c": "celsius", "f": "fahrenheit",
    }.items()
    for name in names.split()
}  # fmt: skip
_CENTURY = re.compile(r"\b([12]\d)\d\d[-–/]$")
_DIGIT = re.compile(r"\d")
_MONEY = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
_LONE = frozenset({"one", "first", "second", "may"})
"""Words that mostly do not count anything; alone they make no claim about a number."""
SPELLED = (frozenset((*_WORDS, *_ORDINALS)) - _LONE) | frozenset(word for word in _SCALES if len(word) > 4)
"""The words that numbers are spelled with; without any of them a text holds no number in words."""


def numbers(text: str, *, spelled: bool = True) -> list[Number]:
    """Return the numbers of a text in order, dates first taken out; linear in its length.

    Args:
        spelled: look for numbers in words, too.
    """
    text = text[:MAX_CHARS]
    digits = _DIGIT.search(text) is not None
    found = list(_dates(text)) if digits and _may_date(text) else []
    for others in (*((_times(text), _written(text)) if digits else ()), _spelled(text) if spelled else ()):
        starts = [n.start for n in found]
        found = [*found, *(n for n in others if not _overlaps(n, found, starts))]
        found.sort(key=lambda n: n.start)
    return found


_PARTED = re.compile(r"\d[-/.]\d")
_SHORT_MONTHS = tuple(name for name in _MONTHS if len(name) == 3)


def _may_date(text: str) -> bool:
    """Whether a look for dates is worth while: digits with a mark between them, or what begins a month."""
    lower = text.lower()
    return _PARTED.search(text) is not None or any(name in lower for name in _SHORT_MONTHS)


def _overlaps(number: Number, taken: Sequence[Number], starts: Sequence[int]) -> bool:
    at = bisect_left(starts, number.end)
    return at > 0 and at <= len(starts) and taken[at - 1].end > number.start


def _dates(text: str) -> Iterator[Number]:
    for match in _DATE.finditer(text):
        got = match.groupdict()
        year = int(got["iy"] or got["y1"] or got["y2"] or got["y3"] or got["y4"] or got["y5"] or 0)
        named = got["m1"] or got["m2"] or got["m3"]
        month = _MONTHS[named.lower().rstrip(".")] if named else int(got["im"] or got["m4"] or 0)
        day = int(got["id"] or got["d1"] or got["d2"] or got["d4"] or 0)
        if got["a5"]:
            one, two = int(got["a5"]), int(got["b5"])
            month, day = (two, one) if one > 12 else (one, two) if two > 12 else (0, 0)
            if one > 31 or two > 31 or min(one, two) < 1 or month > 12:
                continue
        yield Number(match.start(), match.end(), float(year * 10_000 + month * 100 + day), "date")


def _times(text: str) -> Iterator[Number]:
    for match in _TIME.finditer(text):
        hour = int(match["h"] or match["h2"])
        if match["half"]:
            if hour > 12:
                continue
            hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
        yield Number(
            match.start(), match.end(), float(hour * 60 + int(match["m"] or match["m2"] or 0)), "time"
        )


def _written(text: str) -> Iterator[Number]:
    """Yield the numbers in digits; not parts of words, versions and decimals."""
    for match in _DIGITS.finditer(text):
        start = match.start()
        before = text[start - 1 : start]
        if (before and (before.isalnum() or before in "_.,")) or len(match["digits"]) > 24:
            continue
        money = before if before in _MONEY else text[start - 2 : start - 1] if before == " " else ""
        if money in _MONEY:
            start = text.rindex(money, 0, start)
        value = float(match["digits"].replace(",", ""))
        if before in "-–/" and before and len(match["digits"]) == 2:  # 2018-19
            century = _CENTURY.search(text, max(0, start - 5), start)
            value += int(century[1]) * 100 if century else 0
        yield _number(match, start, value, _MONEY.get(money, ""))


def _spelled(text: str) -> Iterator[Number]:
    """Yield the numbers in words: `twenty-one`, `third`, `two million`."""
    for match in _WORDED.finditer(text):
        one, two = match["word"].lower(), (match["word2"] or "").lower()
        if one in _LONE and not two and not match["scale"]:
            continue
        value = _WORDS.get(one, _ORDINALS.get(one, 0.0))
        if two and value >= 20 and value % 10 == 0:
            value += _WORDS.get(two, _ORDINALS.get(two, 0.0))
        yield _number(match, match.start(), value, "")


def _number(match: re.Match[str], start: int, value: float, money: str) -> Number:
    if match["scale"]:
        value *= _SCALES[match["scale"].lower()]
    elif match["short"] and money:
        value *= 1e6 if match["short"] in "mM" else 1e9
    if match["percent"]:
        return Number(start, match.end("percent"), value, "percent", "%")
    unit = money or _UNITS.get((match["unit"] or "").lower(), "")
    short = match.end("short") if money else -1
    end = max(match.end("scale"), short, *(match.end(g) for g in _HEADS if g in match.re.groupindex))
    return Number(start, end, value, "money" if money else "number", unit)


_HEADS = ("digits", "nth", "word", "word2")


def agrees(claimed: Number, given: Number) -> bool:
    """Whether a number of a passage says what a claimed one says; what is not said on either side is no contradiction."""
    if claimed.kind == "date" or given.kind == "date":
        return _same_day(claimed, given)
    if (claimed.kind == "time") != (given.kind == "time"):
        return False
    if claimed.unit and given.unit and claimed.unit != given.unit:
        return False
    if claimed.value == given.value:
        return True
    return claimed.sort != "date" and _rounds(claimed.value, given.value)


def _rounds(claimed: float, given: float) -> bool:
    """Whether a number from 1,000 up with at most three telling digits is another one, rounded."""
    if not 1e3 <= claimed <= 1e15:
        return False
    digits = f"{claimed:.0f}"
    telling = len(digits.rstrip("0"))
    scale = 10.0 ** (len(digits) - telling)
    return telling <= 3 and abs(given - claimed) <= scale / 2 and abs(given - claimed) <= 0.05 * claimed


def _same_day(claimed: Number, given: Number) -> bool:
    one, two = _parts(claimed), _parts(given)
    if one is None or two is None:
        return False
    return all(a == b or not a for a, b in zip(one, two, strict=True)) or (
        all(a == b or not b for a, b in zip(one, two, strict=True)) and bool(two[1] and two[2])
    )


def _parts(number: Number) -> tuple[int, int, int] | None:
    """Return year, month and day; a plain number that may be a year counts as one."""
    value = int(number.value)
    if number.kind == "date":
        return value // 10_000, value // 100 % 100, value % 100
    if number.kind == "number" and not number.unit and 1000 <= value <= 2999 and value == number.value:
        return value, 0, 0
    return None
