"""Compressed bodies, inflated up to a limit: a bomb costs no more memory than an honest body of that size."""

from __future__ import annotations

import zlib

from groundwork.core.errors import InvalidInputError, TooLargeError

ENCODINGS = ("gzip", "deflate")
_STEP = 1024 * 1024


def inflated(body: bytes, encoding: str, limit: int) -> bytes:
    """Return a body as it was before it was compressed.

    Args:
        encoding: `Content-Encoding` in small letters; empty and `identity` leave the body as it is.
        limit: largest result in bytes.

    Raises:
        TooLargeError: it would be larger.
        InvalidInputError: the encoding is not known, or the bytes are not in it.
    """
    if encoding in ("", "identity"):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    if encoding not in ENCODINGS:
        raise InvalidInputError(
            f"a body with Content-Encoding `{encoding[:40]}` is not read",
            hint=f"use one of: {', '.join(ENCODINGS)}",
        )
    try:
        return _whole(body, 47, limit)  # 47: gzip or zlib, whichever it is
    except zlib.error as error:
        if encoding == "deflate":
            try:
                return _whole(body, -15, limit)  # without the header that RFC 9110 asks for, as some send it
            except zlib.error:
                pass
        raise InvalidInputError(f"the body is no {encoding}: {error}", hint="send it uncompressed") from None


def _whole(body: bytes, form: int, limit: int) -> bytes:
    made = bytearray()
    rest = body
    while rest:
        one = zlib.decompressobj(form)
        while not one.eof:
            made += one.decompress(rest, min(_STEP, limit - len(made) + 1))
            rest = one.unconsumed_tail
            if len(made) > limit:
                raise _too_large(limit)
            if not rest and not one.eof:
                made += one.flush()
                if len(made) > limit:
                    raise _too_large(limit)
                if not one.eof:
                    raise zlib.error("it is cut off")
        rest = one.unused_data if form == 47 else b""
    return bytes(made)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"the body has more than {limit:,} bytes inflated", hint="send fewer spans at a time", limit=limit
    )
