"""Outlook messages (.msg): subject, people, text, and attachments through their own loaders.

Source: [MS-OXMSG] Outlook Item (.msg) File Format.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._cfb import CompoundFile
from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._embedded import add_attachment
from groundwork.knowledge.loaders._lzfu import decompress
from groundwork.knowledge.loaders._text import TextBuilder, one_line
from groundwork.knowledge.loaders.email import write_head
from groundwork.knowledge.loaders.html import read_html
from groundwork.knowledge.loaders.rtf import Rtf
from groundwork.knowledge.types import Parsed

_CLASS, _SUBJECT, _BODY, _HTML, _RTF = "001A", "0037", "1000", "1013", "1009"
_SENDER, _SENDER_ADDRESS, _TO, _CC, _HEADERS = "0C1A", "0C1F", "0E04", "0E03", "007D"
_SUBMITTED, _DELIVERED = 0x0039, 0x0E06


class Outlook:
    """Read Outlook messages from their streams."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("application/vnd.ms-outlook",)

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the message, then each attachment."""
        file = CompoundFile(data)
        if not any(path.startswith("__substg1.0_") for path in file.streams):
            raise Unreadable("broken", "the Outlook file holds no properties of a message")
        _refuse_encrypted(file)
        out = TextBuilder()
        sender, address = _property(file, _SENDER), _property(file, _SENDER_ADDRESS)
        when = _moment(file)
        facts = {
            "Subject": _property(file, _SUBJECT),
            "From": f"{sender} <{address}>" if sender and "@" in address else sender or address,
            "To": _property(file, _TO),
            "Cc": _property(file, _CC),
            "Date": when,
        }
        facts = {k: one_line(v) for k, v in facts.items()}
        write_head(out, facts)
        _write_body(out, file)
        for folder in sorted({p.split("/")[0] for p in file.streams if p.startswith("__attach_version1.0_")}):
            _attach(out, file, folder + "/")
        return out.build(title=facts["Subject"], meta={"author": facts["From"], "created": when})


def _refuse_encrypted(file: CompoundFile) -> None:
    kind = _property(file, _CLASS).lower()
    if kind.startswith("ipm.note.smime") and "multipartsigned" not in kind:
        raise Unreadable("encrypted", "the message is encrypted (S/MIME); only its receiver's key opens it")
    folders = {p.split("/")[0] + "/" for p in file.streams if p.startswith("__attach_version1.0_")}
    if any(_property(file, "370E", folder).lower() == "application/pgp-encrypted" for folder in folders):
        raise Unreadable("encrypted", "the message is encrypted (PGP); only its receiver's key opens it")


def _property(file: CompoundFile, identity: str, folder: str = "") -> str:
    """Return a text property, in Unicode or in the code page of its writer; empty when there is none."""
    wide = file.read(f"{folder}__substg1.0_{identity}001F")
    if wide:
        return wide.decode("utf-16-le", "replace").rstrip("\x00")
    narrow = file.read(f"{folder}__substg1.0_{identity}001E")
    try:
        return decode(narrow).text.rstrip("\x00") if narrow else ""
    except Unreadable:
        return narrow.decode("cp1252", "replace").rstrip("\x00")


def _write_body(out: TextBuilder, file: CompoundFile) -> None:
    plain = _property(file, _BODY)
    if plain.strip():
        out.add(plain)
        return
    html = file.read(f"__substg1.0_{_HTML}0102")
    source = decode(html).text if html else _property(file, _HTML)
    if source.strip():
        out.embed(read_html(source, whole=True))
        return
    packed = file.read(f"__substg1.0_{_RTF}0102")
    if not packed:
        return
    try:
        out.embed(Rtf().load(decompress(packed), "message.rtf"))
    except Unreadable as error:
        out.warn(f"the message's text, which is compressed RTF, was not read: {error}")


def _attach(out: TextBuilder, file: CompoundFile, folder: str) -> None:
    name = (
        _property(file, "3707", folder) or _property(file, "3704", folder) or _property(file, "3001", folder)
    )
    data = file.read(folder + "__substg1.0_37010102")
    if data:
        add_attachment(out, data, name)
    else:
        out.warn(
            f"attachment `{one_line(name) or 'without a name'}` is another message or object and was not read"
        )


def _moment(file: CompoundFile) -> str:
    """Return when the message was sent or came, in ISO form; empty when it does not say."""
    properties = file.read("__properties_version1.0")
    found: dict[int, int] = {}
    for place in range(32, len(properties) - 15, 16):
        tag, value = struct.unpack_from("<I4xQ", properties, place)
        if tag & 0xFFFF == 0x0040:
            found[tag >> 16] = value
    ticks = found.get(_SUBMITTED) or found.get(_DELIVERED) or 0
    if not 0 < ticks < 2_650_467_744_000_000_000:
        return ""
    return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).isoformat(
        timespec="seconds"
    )


plugin = Outlook
