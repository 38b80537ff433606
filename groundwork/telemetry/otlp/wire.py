"""The few bytes of protobuf's wire format that are needed where no generated message fits."""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED32 = 0, 1, 2, 3, 4, 5


def parts(data: bytes, field: int) -> Iterator[bytes]:
    """Yield the length-delimited values of one field of a message, in their order.

    Raises:
        ValueError: the bytes are no message, or cut off.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            _, at = varint(data, at)
        elif kind == _FIXED64:
            at += 8
        elif kind == _FIXED32:
            at += 4
        elif kind == _LENGTH:
            length, at = varint(data, at)
            if at + length > end:
                raise ValueError("it is cut off")
            if key >> 3 == field:
                yield data[at : at + length]
            at += length
        else:
            raise ValueError(f"byte {at} cannot begin a field")
        if at > end:
            raise ValueError("it is cut off")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place and the place after it.

    Raises:
        ValueError: it is cut off, or longer than 64 bits.
    """
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("it is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a number before byte {at} is too long")


def write_varint(value: int) -> bytes:
    """Return a number of at least 0 as the wire has it."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def status(code: int, message: str) -> bytes:
    """Return a `google.rpc.Status` without details.

    Source: google/rpc/status.proto: `code` is field 1, `message` field 2.
    """
    text = message.encode()
    return b"\x08" + write_varint(code) + b"\x12" + write_varint(len(text)) + text
