"""The command line: translates words into calls of the workspace and renders what comes back.

`groundwork`, `groundwork --help` and `groundwork --version` are answered from the table of commands alone;
everything else, and every heavy import, happens in the command that was asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 0 done, 1 a failed check, 2 wrong use, 130 interrupted."""
    try:
        code = run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:  # while it was still loading
        sys.stderr.write("error: interrupted\nhint: nothing was begun; run it again\n")
        code = 130
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    from groundwork.cli import table

    completing = "_GROUNDWORK_COMPLETE" in os.environ or "_GW_COMPLETE" in os.environ
    if not completing and arguments in ([], ["--help"], ["-h"], ["help"]):
        return _print(table.help_text())
    if arguments in (["--version"], ["-V"]):
        return _print(f"groundwork {table.version()}\n")
    from groundwork.cli.root import dispatch

    return dispatch(arguments)


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        from groundwork.cli.errors import BROKEN_PIPE, silence_stdout

        silence_stdout()
        return BROKEN_PIPE
    return 0
