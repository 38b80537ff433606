"""Bytes to characters in any encoding: byte-order marks, UTF-16 and UTF-32 without one, UTF-8, then statistics."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from groundwork.knowledge.loaders import Unreadable

SAMPLE_BYTES = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_RARE = ("mac_", "cp1257", "cp775", "cp437", "cp850", "cp852", "cp858", "hp_", "ptcp", "kz1048", "iso8859_1")
# Hebrew letters are a small range of bytes, which no Cyrillic text keeps to.
_HEBREW = re.compile(rb"[\x00-\x7f\x91-\x97\xa0\xd3-\xd8\xe0-\xfa]*")
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd\ufffe\uffff]")


@dataclass(frozen=True)
class Decoded:
    """The characters of some bytes, the encoding they were read with, and how many could not be read."""

    text: str
    encoding: str
    replaced: int = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the text should know, in words."""
        if not self.replaced:
            return ()
        return (f"{self.replaced} characters could not be read as {self.encoding} and stand as U+FFFD",)


def decode(data: bytes, declared: str = "") -> Decoded:
    """Return the characters of `data`.

    Args:
        data: the bytes.
        declared: the encoding the document or its envelope names; believed when the bytes can be read with it.

    Raises:
        Unreadable: `unsupported`, the bytes are not text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _replacing(data[len(mark) :], encoding)
    wide = _wide_encoding(data[:SAMPLE_BYTES])
    if wide:
        return _replacing(data, wide)
    for encoding in filter(None, (_known(declared), "utf-8")):
        try:
            return Decoded(data.decode(encoding), encoding)
        except (UnicodeDecodeError, ValueError):
            continue
    almost = data.decode("utf-8", "replace")
    replaced = almost.count("\ufffd")
    many_bytes = sum(1 for b in data[:SAMPLE_BYTES] if b >= 0xC0)
    if replaced and replaced * 20 <= many_bytes:
        return Decoded(almost, "utf-8", replaced)
    return _by_statistics(data)


def looks_like_text(data: bytes) -> bool:
    """Return whether the start of `data` can be read as text; at most 1 in 50 characters may be a control character."""
    sample = data[:8192]
    if any(sample.startswith(mark) for mark, _ in _BOMS) or _wide_encoding(sample):
        return True
    if b"\x00" in sample and sample.count(b"\x00") * 100 > len(sample):
        return False
    text = sample.decode("utf-8", "ignore")
    if len(text) * 2 < len(sample):
        text = sample.decode("latin-1")
    return len(_BINARY.findall(text)) * 50 <= max(len(text), 1)


def _known(encoding: str) -> str:
    """Return a declared encoding if it is one of characters (not of bytes such as `hex`) and can be believed."""
    name = encoding.strip().strip("\"'").lower()
    if not name:
        return ""
    # What calls itself Latin-1 is Windows' on the web (WHATWG Encoding Standard, 4.2).
    name = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "utf-8"}.get(
        name, name
    )
    name = name.removesuffix("-i").removesuffix("-e") if name.startswith("iso-8859-8") else name
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    if not getattr(info, "_is_text_encoding", True) or info.name in (
        "idna",
        "punycode",
        "unicode_escape",
        "utf-7",
    ):
        return ""
    return "" if info.name.startswith(("utf-16", "utf-32", "raw")) else info.name


def _replacing(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, "replace")
    return Decoded(text, encoding, text.count("\ufffd"))


def _wide_encoding(sample: bytes) -> str:
    """Return `utf-16-…` or `utf-32-…` where the bytes betray it without a mark, else an empty string."""
    if len(sample) < 8:
        return ""
    if len(sample) >= 16:
        for encoding in ("utf-32-le", "utf-32-be"):
            if _reads_as(sample[: len(sample) // 4 * 4], encoding):
                return encoding
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if even + odd == 0:
        return ""
    half = len(sample) // 2
    order = ("utf-16-le", "utf-16-be") if odd >= even else ("utf-16-be", "utf-16-le")
    if max(even, odd) * 50 < half:
        return ""
    for encoding in order:
        if _reads_as(sample[: half * 2], encoding):
            return encoding
    return ""


def _reads_as(sample: bytes, encoding: str) -> bool:
    """Return whether `sample` is plausible text in a wide encoding: readable, no control characters, few rare blocks."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end < len(sample) - 3:
            return False
        text = sample[: error.start].decode(encoding)
    if not text or len(_BINARY.findall(text)) * 50 > len(text):
        return False
    common = sum(1 for c in text if c in " \n\r\t" or "!" <= c <= "~")
    blocks = {ord(c) >> 8 for c in text if c > "\x7f"}
    return common * 20 >= len(text) and len(blocks) <= max(6, len(text) // 8)


def _by_statistics(data: bytes) -> Decoded:
    """Guess a one-byte or East Asian encoding from the distribution of characters."""
    if not looks_like_text(data):
        raise Unreadable("unsupported", "the bytes are neither text nor a format that is known here")
    encoding = _likeliest(data[:SAMPLE_BYTES])
    try:
        return Decoded(data.decode(encoding), encoding)
    except (UnicodeDecodeError, LookupError):
        return _replacing(data, "cp1252")


def _likeliest(sample: bytes) -> str:
    """Return the encoding whose reading of `sample` is most like what people write."""
    from charset_normalizer import from_bytes

    scores = {m.encoding: m.coherence - m.chaos for m in from_bytes(sample)}
    if not scores or any(_is_half_width(sample, encoding) for encoding in scores):
        scores |= {"koi8_r": 0.0, "cp1252": -0.1}
    for encoding in scores:
        scores[encoding] -= 0.1 * encoding.startswith(_RARE) + 0.3 * _is_shouting(sample, encoding)
        scores[encoding] -= 0.5 * _is_half_width(sample, encoding)
    if "cp1255" in scores and _HEBREW.fullmatch(sample):
        scores["cp1255"] += 0.5
    return max(scores, key=lambda e: scores[e])


def _is_shouting(sample: bytes, encoding: str) -> bool:
    """Return whether most letters beyond ASCII are capitals: Hebrew read as Cyrillic, Cyrillic as another Cyrillic."""
    text = [c for c in sample.decode(encoding, "ignore") if c > "\x7f"]
    return sum(c.isupper() for c in text) > sum(c.islower() for c in text)


def _is_half_width(sample: bytes, encoding: str) -> bool:
    """Return whether most characters beyond ASCII are half-width katakana, which old terminals wrote and nobody else."""
    text = [c for c in sample.decode(encoding, "ignore") if c > "\x7f"]
    return sum("\uff61" <= c <= "\uff9f" for c in text) * 2 > len(text)
