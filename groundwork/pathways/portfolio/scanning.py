"""What must not leave: secrets and personal data in what an export would write; where and of what kind, never the value.

Looked for is what `telemetry.masking` and `telemetry.personal` know, national numbers by their check digits, and names that
the caller says must not appear. A text is looked at as it stands and as it reads once it was decoded: HTML entities,
percent-encoding, other forms of the same letters, and invisible characters hide nothing.

Source:
    Check digits: DNI/NIE (Ley Orgánica 4/2015, mod 23), Steuer-ID (ISO 7064 mod 11,10), NIR (97 - n mod 97), PESEL (weights
    1 3 7 9), BSN (eleven test), Aadhaar (Verhoeff, 1969); NINO: HMRC, NIM39110; codice fiscale: DM 23 December 1976.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from groundwork.datasets.personal import kinds_in
from groundwork.pathways.portfolio.types import Stopped

ADVICE = "take it out where it stands, then export again"
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x180E])
_EDGE_LEFT, _EDGE_RIGHT = r"(?<![\w-])", r"(?![\w-])"


def scan(
    texts: Iterable[tuple[str, str]], *, names: Sequence[str] = (), allowed: Sequence[str] = ()
) -> list[Stopped]:
    """Return what was found, each place and kind once, in the order of the texts.

    Args:
        texts: place in words, and text. names: that must not appear, such as of people who were erased.
        allowed: exactly what the owner chose to publish, such as their own address.
    """
    found: dict[tuple[str, str], Stopped] = {}
    wanted = _whole_words(names)
    for place, text in texts:
        for number, line in _lines(text, allowed):
            for kind in sorted({k for form in _forms(line) for k in _kinds(form, wanted)}):
                where = f"{place}, line {number}" if number else place
                found.setdefault((where, kind), Stopped(where, kind, ADVICE))
    return list(found.values())


def leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text in a JSON value with where it stands; a text beside its key, so that `password: …` is seen as one."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, held in value.items():
            if isinstance(held, str):
                yield f"{place}, {key}", f"{key}: {held}"
            else:
                yield f"{place}, {key}", str(key)
                yield from leaves(held, f"{place}, {key}")
    elif isinstance(value, list | tuple):
        for n, held in enumerate(value, 1):
            yield from leaves(held, f"{place} {n}")


def _lines(text: str, allowed: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the whole text as number 0 where a secret runs over lines, and each line by itself."""
    for chosen in sorted(allowed, key=len, reverse=True):
        if chosen:
            text = re.sub(rf"{_EDGE_LEFT}{re.escape(chosen)}{_EDGE_RIGHT}", " ", text)
    lines = text.splitlines() or [""]
    if len(lines) == 1:
        yield 0, text
        return
    seen = set()
    for number, line in enumerate(lines, 1):
        if line.strip():
            seen |= set(kinds_in(line))
            yield number, line
    if set(kinds_in(text)) - seen:
        yield 0, text


def _forms(text: str) -> set[str]:
    """Return a text as it stands, and as it reads once everything that could hide it is taken off."""
    plain = unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
    forms = {text, plain}
    for _ in range(2):
        plain = unquote(html.unescape(plain))
        forms.add(plain)
    return forms


def _kinds(text: str, names: re.Pattern[str] | None) -> set[str]:
    kinds = set(kinds_in(text))
    for what, pattern, good in _NATIONAL:
        if any(good(re.sub(r"[ .-]", "", m[0]).upper()) for m in pattern.finditer(text)):
            kinds.add(what)
    if _AWS_SECRET.search(text):
        kinds.add("AWS key")
    if names is not None and names.search(text):
        kinds.add("name of a person who was erased")
    return kinds


def _whole_words(names: Sequence[str]) -> re.Pattern[str] | None:
    kept = sorted({n.strip() for n in names if len(n.strip()) > 2}, key=len, reverse=True)
    return re.compile(rf"(?i)(?<!\w)(?:{'|'.join(map(re.escape, kept))})(?!\w)") if kept else None


# ---- national numbers ----


def _dni(text: str) -> bool:
    digits = {"X": "0", "Y": "1", "Z": "2"}.get(text[0], text[0]) + text[1:-1]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == text[-1]


def _steuer_id(text: str) -> bool:
    rest = 10
    for digit in text[:10]:
        total = (int(digit) + rest) % 10 or 10
        rest = total * 2 % 11
    return len(set(text[:10])) < 10 and (11 - rest) % 10 == int(text[10])


def _nir(text: str) -> bool:
    digits = text.replace("2A", "19").replace("2B", "18")
    return digits.isdigit() and 97 - int(digits[:13]) % 97 == int(digits[13:])


def _pesel(text: str) -> bool:
    month = int(text[2:4]) % 20
    total = sum(int(d) * w for d, w in zip(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=False))
    return 1 <= month <= 12 and 1 <= int(text[4:6]) <= 31 and (10 - total % 10) % 10 == int(text[10])


def _bsn(text: str) -> bool:
    total = sum(int(d) * w for d, w in zip(text[-9:], (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
    return total % 11 == 0


def _verhoeff(text: str) -> bool:
    check = 0
    for n, digit in enumerate(reversed(text)):
        step = int(digit)
        for _ in range(n % 8):
            step = _PERMUTED[step]
        check = _dihedral(check, step)
    return check == 0


_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _dihedral(a: int, b: int) -> int:
    """Multiply in the dihedral group of the pentagon."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def _always(text: str) -> bool:
    return True


_NATIONAL: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (f"national number ({what})", re.compile(f"{_EDGE_LEFT}{pattern}{_EDGE_RIGHT}", re.IGNORECASE), good)
    for what, pattern, good in (
        ("Spain", r"(?:\d{8}|[XYZ]\d{7})[ -]?[A-Z]", _dni),
        ("Germany", r"[1-9]\d(?: ?\d{3}){3}", _steuer_id),
        ("France", r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", _nir),
        ("Poland", r"\d{11}", _pesel),
        ("Netherlands", r"(?<=BSN )\d{9}|(?<=BSN: )\d{9}|\d{4}\.\d{2}\.\d{3}", _bsn),
        ("India", r"[2-9]\d{3} \d{4} \d{4}", _verhoeff),
        ("United Kingdom", r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", _always),
        ("Italy", r"[A-Z]{6}\d\d[ABCDEHLMPRST]\d\d[A-Z]\d{3}[A-Z]", _always),
    )
)  # fmt: skip
_AWS_SECRET = re.compile(r"(?i)aws.{0,40}?[^A-Za-z0-9/+=][A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
