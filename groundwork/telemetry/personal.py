"""Mask personal data in a text: e-mail and IP addresses, phone, card and bank account numbers, social security numbers.

What has a checksum is checked, so that order numbers and digests stay readable. Names and places are not looked for.
"""

from __future__ import annotations

import ipaddress
import re

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}(?![\w-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{3,39}(?:\.\d{1,3}){0,3}(?![\w:])")
# International with +, or a national one that is written in groups.
_PHONE = re.compile(
    r"(?<![\w+.,/-])(?<!\d )(?:\+\d[\d ()./-]{6,20}\d|\(\d{2,5}\)[ -]?\d[\d -]{4,12}\d|0\d{2,5}[ /-]\d[\d -]{3,12}\d"
    r"|\d{3}[-. ]\d{3}[-. ]\d{4})(?![\w-])"
)
_DIGIT = re.compile(r"\d")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def mask_personal(text: str) -> str:
    """Return the text with personal data in it replaced by what it was, such as `[masked: e-mail]`."""
    if "@" in text:
        text = _EMAIL.sub("[masked: e-mail]", text)
    if text.count(":") > 1:
        text = _IPV6.sub(_address, text)
    if _DIGIT.search(text) is None:
        return text
    text = _IBAN.sub(_iban, text)
    text = _CARD.sub(_card, text)
    text = _SSN.sub("[masked: social security number]", text)
    if text.count(".") > 2:
        text = _IPV4.sub(_address, text)
    return _PHONE.sub(_phone, text)


def luhn(digits: str) -> bool:
    """Say whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        n = int(digit) * (1 + place % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Say whether the check digits are right (ISO 13616, MOD 97-10)."""
    compact = re.sub(r"[ -]", "", text)
    turned = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _iban(match: re.Match[str]) -> str:
    return "[masked: IBAN]" if is_iban(match[0]) else match[0]


def _card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return "[masked: card number]" if digits[0] in "23456" and luhn(digits) else match[0]


def _address(match: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(match[0])
    except ValueError:
        return match[0]
    return "[masked: IP address]"


def _phone(match: re.Match[str]) -> str:
    digits = sum(map(str.isdigit, match[0]))
    return match[0] if not 7 <= digits <= 15 or _DATE.match(match[0]) else "[masked: phone number]"


__all__ = ["is_iban", "luhn", "mask_personal"]
