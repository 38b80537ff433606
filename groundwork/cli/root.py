"""The root of the command line: finds the module of a command, and explains wrong use."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command, get_group

from groundwork.cli import errors, table


class Root(TyperGroup):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(table.ENTRIES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = table.ENTRIES.get(cmd_name)
        if entry is None:
            return None
        group = get_group(importlib.import_module(f"groundwork.cli.{entry.module}").app)
        if not entry.group:
            return group.commands[cmd_name]
        group.name = cmd_name
        group.no_args_is_help = False
        return group

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(table.help_text())


app = typer.Typer(cls=Root, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True)


@app.callback(context_settings={"help_option_names": ["--help", "-h"]})
def root(
    context: typer.Context,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", metavar="DIR")] = None,
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Groundwork."""
    context.obj = {"workspace": workspace, "json": json}


def dispatch(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    as_json = "--json" in (arguments[: arguments.index("--")] if "--" in arguments else arguments)
    try:
        code = get_command(app).main(arguments, prog_name=_program(), standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.Abort:
        errors.write_error("interrupted", "nothing was changed")
        return errors.INTERRUPTED
    except TyperException as error:
        return _wrong_use(error, as_json)
    except SystemExit as stop:  # typer's completion ends this way
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        errors.silence_stdout()
        return errors.BROKEN_PIPE


def _program() -> str:
    """Return the name people typed: `gw` or `groundwork`."""
    return "gw" if Path(sys.argv[0]).name == "gw" else "groundwork"


def _wrong_use(error: TyperException, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "groundwork"
    format_message = getattr(error, "format_message", None)
    message = (format_message() if format_message else str(error)).strip().rstrip(".")
    if type(error).__name__ == "NoArgsIsHelpError" or message == "Missing command":
        if context is not None and not as_json:
            print(context.get_help(), file=sys.stderr)
            return errors.WRONG_USE
        message = f"`{path}` needs a command"
    hint = f"`{path} --help` shows how it is used"
    unknown = re.match(r"No such command '([^']*)'", message)
    if unknown and context is not None:
        known = context.command.list_commands(context)
        near = difflib.get_close_matches(unknown.group(1), known, 1)
        message = f"there is no command `{path} {unknown.group(1)}`"
        hint = f"did you mean `{path} {near[0]}`?" if near else f"`{path} --help` lists the commands"
    return errors.report_usage(message[:1].lower() + message[1:], hint, as_json=as_json)
