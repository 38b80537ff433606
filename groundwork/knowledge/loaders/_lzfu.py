"""Compressed RTF, as Outlook keeps message texts. Source: [MS-OXRTFCP] 2.1 and 3.1."""

from __future__ import annotations

import struct

from groundwork.knowledge.loaders import Unreadable

MAX_BYTES = 32 << 20
_PRESET = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans "
    b"SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def decompress(data: bytes) -> bytes:
    """Return the RTF.

    Raises:
        Unreadable: `broken` or `too_large`.
    """
    if len(data) < 16:
        raise Unreadable("broken", "the compressed RTF is cut off")
    size, kind = struct.unpack_from("<4xI4s", data)
    if kind == b"MELA":
        return data[16 : 16 + size]
    if kind != b"LZFu":
        raise Unreadable("broken", "the compressed RTF has an unknown form")
    if size > MAX_BYTES:
        raise Unreadable(
            "too_large", f"the compressed RTF says it has {size:,} bytes; the limit is {MAX_BYTES:,}"
        )
    window = bytearray(_PRESET.ljust(4096, b"\x00"))
    at, place, out = len(_PRESET), 16, bytearray()
    while place < len(data) and len(out) < size:
        control, place = data[place], place + 1
        for bit in range(8):
            if control >> bit & 1:
                if place + 2 > len(data):
                    return bytes(out)
                pair = data[place] << 8 | data[place + 1]
                place += 2
                start, length = pair >> 4, (pair & 15) + 2
                if start == at:
                    return bytes(out)
                piece = bytearray()
                for step in range(length):
                    byte = window[(start + step) % 4096]
                    window[at] = byte
                    at = (at + 1) % 4096
                    piece.append(byte)
                out += piece
            elif place < len(data):
                out.append(data[place])
                window[at] = data[place]
                at, place = (at + 1) % 4096, place + 1
    return bytes(out)
