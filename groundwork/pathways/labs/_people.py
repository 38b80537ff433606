"""Personal data that nobody has: made for labs, with check digits that are right, so that a scan finds it."""

from __future__ import annotations

from random import Random

KINDS = ("e-mail", "IBAN", "phone number", "card number")
"""As the scan of a dataset calls them."""
_FIRST = ("anna", "bela", "chiara", "dmitri", "elif", "finn", "greta", "hugo")
_LAST = ("weber", "novak", "rossi", "petrov", "demir", "olsen", "lindt", "moreau")


def made_up(random: Random, kind: str) -> str:
    """Return a value of that kind, from ranges that are kept for examples where there are such ranges."""
    match kind:
        case "e-mail":
            return f"{random.choice(_FIRST)}.{random.choice(_LAST)}@example.org"
        case "IBAN":
            return _iban("".join(str(random.randrange(10)) for _ in range(18)))
        case "phone number":
            return f"+49 30 2312{random.randrange(10)} {random.randrange(100, 1000)}"
        case "card number":
            return _card("400000" + "".join(str(random.randrange(10)) for _ in range(9)))
        case _:
            raise ValueError(kind)


def said(kind: str, value: str) -> str:
    """Return how somebody says it of themselves, in half a sentence."""
    words = {
        "e-mail": "my address is {}",
        "IBAN": "my account is {}",
        "phone number": "call me on {}",
        "card number": "my card is {}",
    }
    return words[kind].format(value)


def _iban(account: str) -> str:
    """Return a German account with its check digits (ISO 13616, MOD 97-10; D is 13, E is 14)."""
    check = 98 - int(f"{account}131400") % 97
    return f"DE{check:02}{account}"


def _card(digits: str) -> str:
    """Return the digits with the last one that makes them valid (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        n = int(digit) * (2 - place % 2)
        total += n - 9 if n > 9 else n
    return f"{digits}{-total % 10}"
