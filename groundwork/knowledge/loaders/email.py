"""E-mail (.eml): who wrote what to whom, the text a person would see, and the attachments through their own loaders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import errors, message_from_bytes
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from typing import ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._embedded import add_attachment
from groundwork.knowledge.loaders._text import TextBuilder, one_line
from groundwork.knowledge.loaders.html import read_html
from groundwork.knowledge.types import Parsed

SHOWN = ("From", "To", "Cc", "Date")
MAX_PARTS = 500
MAX_HEADER_CHARS = 8000
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pgp-encrypted"})


class Email:
    """Read e-mails (RFC 5322, MIME); nothing they refer to is fetched."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("message/rfc822", "message/global")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read subject, sender, receivers and date, then the body, then each attachment."""
        if b"\x00" in data[:64] or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            data = decode(data).text.encode("utf-8", "replace")
        message = message_from_bytes(data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"), policy=compat32)
        out = TextBuilder()
        facts = {name: header(message, name) for name in ("Subject", *SHOWN)}
        _refuse_encrypted(message)
        write_head(out, facts)
        before = len(out)
        _Body(out).write(message)
        if len(out) == before and not any(facts.values()):
            raise Unreadable(
                "broken" if message.defects else "no_text", "the e-mail has neither headers nor text"
            )
        meta = {"author": facts["From"], "created": _moment(facts["Date"])}
        return out.build(title=facts["Subject"], meta=meta)


def write_head(out: TextBuilder, facts: dict[str, str]) -> None:
    """Append the subject as a heading and the other facts as lines."""
    if facts.get("Subject"):
        out.heading(facts["Subject"], 1)
    out.add("\n".join(f"{k}: {facts[k]}" for k in SHOWN if facts.get(k)))


def header(message: Message, name: str) -> str:
    """Return a header's text on one line, decoded as far as it can be (RFC 2047)."""
    raw = str(message.get(name, ""))[:MAX_HEADER_CHARS]
    try:
        parts = decode_header(raw)
    except (errors.HeaderParseError, ValueError):
        return one_line(raw)
    return one_line("".join(p if isinstance(p, str) else _readable(p, charset) for p, charset in parts))


def _readable(data: bytes, charset: str | None) -> str:
    try:
        return decode(data, charset or "").text
    except Unreadable:
        return data.decode("ascii", "replace")


def _moment(date: str) -> str:
    try:
        return parsedate_to_datetime(date).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return date


def _refuse_encrypted(message: Message) -> None:
    kind = message.get_content_type()
    smime = str(message.get_param("smime-type") or "").lower()
    if kind in _ENCRYPTED or (
        kind.endswith("pkcs7-mime") and smime in ("enveloped-data", "authenveloped-data")
    ):
        raise Unreadable("encrypted", f"the e-mail is encrypted ({kind}); only its receiver's key opens it")


class _Body:
    def __init__(self, out: TextBuilder) -> None:
        self._out = out
        self._attached: list[tuple[str, bytes, str]] = []
        self._parts = 0

    def write(self, message: Message) -> None:
        """Append the text of all parts, then the attachments."""
        self._part(message, 0)
        for name, data, kind in self._attached:
            add_attachment(self._out, data, name, "message/rfc822" if kind == "message/rfc822" else None)

    def _part(self, part: Message, depth: int) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS or depth > 30:
            self._out.warn(f"only the first {MAX_PARTS} parts of the e-mail were read")
            return
        kind = part.get_content_type()
        if kind in _ENCRYPTED or kind in ("application/pkcs7-signature", "application/pgp-signature"):
            return
        if kind == "multipart/alternative":
            chosen = _best(list(_children(part)))
            if chosen is not None:
                self._part(chosen, depth + 1)
        elif part.is_multipart() and kind != "message/rfc822":
            for inner in _children(part):
                self._part(inner, depth + 1)
        elif kind == "message/rfc822":
            for inner in _children(part):
                name = header(inner, "Subject") or "message"
                self._attached.append((name + ".eml", inner.as_bytes(), kind))
        elif self._is_attached(part, kind):
            self._attach(part, kind)
        else:
            self._text(part, kind)

    def _is_attached(self, part: Message, kind: str) -> bool:
        return part.get_content_disposition() == "attachment" or kind not in ("text/plain", "text/html")

    def _attach(self, part: Message, kind: str) -> None:
        name = _filename(part)
        if kind.startswith("image/") and part.get_content_disposition() != "attachment":
            return  # a picture within the text: a logo or a tracking pixel
        self._attached.append((name or kind.replace("/", "."), _payload(part), kind))

    def _text(self, part: Message, kind: str) -> None:
        data = _payload(part)
        if not data.strip():
            return
        try:
            decoded = decode(data, str(part.get_content_charset() or ""))
        except Unreadable as error:
            self._out.warn(f"a part of the e-mail was not read: {error}")
            return
        if kind == "text/html":
            self._out.embed(read_html(decoded.text, decoded.warnings, whole=True))
            return
        for warning in decoded.warnings:
            self._out.warn(warning)
        text = (
            _flowed(decoded.text) if str(part.get_param("format") or "").lower() == "flowed" else decoded.text
        )
        self._out.add(text)


def _children(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (p for p in payload if isinstance(p, Message))


def _best(parts: Sequence[Message]) -> Message | None:
    """Return the plain alternative if it says something, else the last one that is not empty."""
    for part in parts:
        if part.get_content_type() == "text/plain" and len(_payload(part).strip()) > 1:
            return part
    filled = [p for p in parts if p.is_multipart() or _payload(p).strip()]
    html = [p for p in filled if p.get_content_type() == "text/html" or p.is_multipart()]
    return html[-1] if html else filled[-1] if filled else None


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, AssertionError, LookupError):
        data = str(part.get_payload()).encode("utf-8", "replace")
    return data if isinstance(data, bytes) else b""


def _filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, TypeError, LookupError, UnicodeError):
        name = ""
    if "=?" in name:
        holder = Message()
        holder["n"] = name
        name = header(holder, "n")
    return re.split(r"[\\/]", one_line(name))[-1]


def _flowed(text: str) -> str:
    """Join the lines of format=flowed text (RFC 3676, 4.2)."""
    return re.sub(r"(?<!^-- )(?<=\S) \r?\n(?!>)", " ", text, flags=re.MULTILINE)


plugin = Email
