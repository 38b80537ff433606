"""What every command shares: `--workspace`, `--json`, the reply, errors, interruption.

A command is a function whose first parameter is a `Door`. It calls the workspace and answers a `Reply`: the
JSON document and a function that lays it out for people. Which of the two is printed, and with which exit
code, is decided here and nowhere else.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, TextIO

import typer
from typer.core import TyperGroup

from groundwork.cli import errors
from groundwork.cli.screen import Screen

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.cli.progress import Progress
    from groundwork.core.principal import Principal

P = ParamSpec("P")
Lines = Callable[[Screen], Sequence[str]]
SAFE = "what was committed is kept; run the same command again to go on"


@dataclass(frozen=True)
class Reply:
    """What a command answers: a JSON-compatible document, the same for people, and the exit code."""

    document: Any
    lines: Lines
    code: int = 0


@dataclass
class Door:
    """How one command was called."""

    directory: Path | None = None
    json: bool = False
    stdout: TextIO = field(default_factory=lambda: sys.stdout)

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Open the workspace named by `--workspace`, or the nearest one upward; close it afterwards."""
        from groundwork.app.workspace import Workspace

        workspace = Workspace.open(self.directory)
        try:
            yield workspace
        finally:
            workspace.close()

    def progress(self, noun: str = "file") -> Progress:
        """Return a progress display on stderr: bars on a terminal, now and then a plain line elsewhere."""
        from groundwork.cli.progress import Progress

        return Progress(noun)

    def note(self, text: str) -> None:
        """Print a remark on stderr."""
        print(text, file=sys.stderr, flush=True)

    def document(self, value: Any) -> None:
        """Print the one JSON document now, for a command that goes on afterwards and answers no reply."""
        errors.write_json(value, self.stdout)

    def say(self, lines: Sequence[str]) -> None:
        """Print lines for people as the command goes on; to stderr when stdout belongs to a document."""
        print("\n".join(lines), file=sys.stderr if self.json else sys.stdout, flush=True)

    @property
    def screen(self) -> Screen:
        """The screen that `say` writes on."""
        return Screen.of(sys.stderr if self.json else sys.stdout)


class Commands(typer.Typer):
    """A typer app whose commands take a Door and answer a Reply; `default` is the word that may be left out.

    With `named` it may be left out in front of a name, too: a first word that is no command belongs to it.
    """

    def __init__(self, help: str = "", default: str = "", named: bool = False) -> None:
        super().__init__(
            cls=_beginning_with(default, named) if default else TyperGroup,
            help=help,
            add_completion=False,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["--help", "-h"]},
        )
        # A callback makes it a group even while it holds a single command.
        self.callback()(_nothing)

    def add(
        self, name: str, *, interrupted: str = SAFE
    ) -> Callable[
        [Callable[Concatenate[Door, P], Reply | None]], Callable[Concatenate[Door, P], Reply | None]
    ]:
        """Register a command under `name`; `interrupted` says what is safe after Ctrl-C."""

        def register(
            function: Callable[Concatenate[Door, P], Reply | None],
        ) -> Callable[Concatenate[Door, P], Reply | None]:
            self.command(
                name,
                help=inspect.cleandoc(function.__doc__ or ""),
                context_settings={"help_option_names": ["--help", "-h"]},
            )(_wrap(function, interrupted))
            return function

        return register


def principal(tokens: Sequence[str] | None) -> Principal:
    """Return the owner of the workspace, or, when `--as` names access tokens, somebody who has just these.

    The tokens are the name too: answers that the owner or somebody with other tokens was given are not theirs to see.
    """
    from groundwork.core.principal import LOCAL, Principal

    if not tokens:
        return LOCAL
    access = frozenset(split(tokens))
    return Principal(name=",".join(sorted(access)), access=access)


def split(values: Sequence[str]) -> list[str]:
    """Return the parts of values given several times or separated by commas."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def question_of(words: str) -> str:
    """Return the question; `-` reads it from standard input."""
    return sys.stdin.read() if words == "-" else words


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", metavar="DIR", help="The workspace; otherwise the nearest one upward from here."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document; logs and progress go to stderr.")
]
IndexOption = Annotated[str, typer.Option("--index", "-i", metavar="NAME", help="The index.")]
AsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--as", metavar="TOKENS", help="See only what these access tokens open, such as `group:hr,user:ann`."
    ),
]


def _wrap(function: Callable[..., Reply | None], interrupted: str) -> Callable[..., None]:
    def call(context: typer.Context, workspace: Path | None, json: bool, **parameters: Any) -> None:
        above = context.find_root().obj or {}
        door = Door(directory=workspace or above.get("workspace"), json=json or above.get("json", False))
        raise typer.Exit(_call(function, door, parameters, interrupted))

    signature = inspect.signature(function, eval_str=True)
    own = [p for name, p in signature.parameters.items() if name != "door"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("workspace", keyword, default=None, annotation=WorkspaceOption),
        inspect.Parameter("json", keyword, default=False, annotation=JsonOption),
    ]
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    parameters = [*(p.replace(kind=keyword) for p in own), *shared, context]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    return call


def _call(
    function: Callable[..., Reply | None], door: Door, parameters: dict[str, Any], interrupted: str
) -> int:
    stdout = sys.stdout
    try:
        # Whatever a library prints goes to stderr: stdout belongs to the one document.
        with contextlib.redirect_stdout(sys.stderr) if door.json else contextlib.nullcontext():
            reply = function(door, **parameters)
        if reply is None:
            return 0
        if door.json:
            errors.write_json(reply.document)
        else:
            lines = "\n".join(reply.lines(Screen.of(stdout)))
            stdout.write(
                lines.encode(stdout.encoding or "utf-8", "replace").decode(stdout.encoding or "utf-8")
            )
            stdout.write("\n" if lines else "")
            stdout.flush()
        return reply.code
    except KeyboardInterrupt:
        errors.write_error("interrupted", interrupted)
        return errors.INTERRUPTED
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            errors.silence_stdout()
        return errors.BROKEN_PIPE
    except Exception as error:
        return errors.report(error, as_json=door.json)


def _beginning_with(default: str, named: bool = False) -> type[TyperGroup]:
    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            option = bool(args) and args[0].startswith("-")
            name = named and bool(args) and not option and args[0] not in self.commands
            if not args or name or (option and args[0] not in ("--help", "-h")):
                args = [default, *args]
            return super().parse_args(ctx, args)

    return Group


def _nothing() -> None:
    """Do nothing: the commands below do the work."""
