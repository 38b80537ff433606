"""Errors on the terminal: `error:` and `hint:` on stderr, with `--json` an object on stdout."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Any, TextIO

from groundwork.core.errors import (
    GroundworkError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    StorageFullError,
)

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def debugging() -> bool:
    """Say whether `GROUNDWORK_DEBUG` asks for stack traces."""
    return os.environ.get("GROUNDWORK_DEBUG", "") not in ("", "0")


def as_groundwork_error(error: BaseException) -> GroundworkError:
    """Return `error` itself when it is ours, else an error of ours that says the same in words."""
    if isinstance(error, GroundworkError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError(
            f"the disk is full{_where(error)}",
            hint="free some space and run the same command again; nothing acknowledged is lost",
        )
    if isinstance(error, PermissionError):
        return InvalidInputError(
            f"permission denied{_where(error)}", hint="check who owns the file and the folder it is in"
        )
    if isinstance(error, OSError) and error.strerror:
        return InternalError(
            f"{error.strerror}{_where(error)}", hint="run it again with GROUNDWORK_DEBUG=1 to see where"
        )
    return InternalError(
        f"a fault of Groundwork itself: {type(error).__name__}: {error}",
        hint="run it again with GROUNDWORK_DEBUG=1 and report it; `groundwork verify` checks what is stored",
    )


def exit_code(error: GroundworkError) -> int:
    """Return 2 when the caller asked for something that cannot be, 1 when the work itself failed."""
    return WRONG_USE if isinstance(error, InvalidInputError | NotFoundError) else FAILED


def report(error: BaseException, *, as_json: bool) -> int:
    """Render an error and return the exit code it stands for."""
    if debugging():
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    known = as_groundwork_error(error)
    write_error(known.message, known.hint)
    if as_json:
        write_json({"error": known.as_dict()})
    return exit_code(known)


def report_usage(message: str, hint: str, *, as_json: bool) -> int:
    """Render a wrong use of the command line; returns 2."""
    write_error(message, hint)
    if as_json:
        body = {"code": "usage", "message": message, "hint": hint, "retryable": False, "details": {}}
        write_json({"error": body})
    return WRONG_USE


def write_error(message: str, hint: str = "") -> None:
    """Print `error:` and `hint:` lines on stderr."""
    from groundwork.cli.screen import Screen, visible

    screen = Screen.of(sys.stderr)
    lines = [f"{screen.red('error:')} {visible(message)}"]
    if hint:
        lines.append(f"{screen.teal('hint:')} {visible(hint)}")
    print("\n".join(lines), file=sys.stderr)


def write_json(document: Any, stream: TextIO | None = None) -> None:
    """Print one JSON document on stdout."""
    stream = stream or sys.stdout
    encoding = (stream.encoding or "utf-8").lower().replace("-", "")
    text = json.dumps(document, ensure_ascii=encoding != "utf8", indent=2, default=str)
    # A lone surrogate has no bytes in UTF-8; its backslash escape is what JSON writes for it.
    stream.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    stream.flush()


def silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush finds no broken pipe."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def _where(error: OSError) -> str:
    return f": `{error.filename}`" if error.filename else ""
