"""`groundwork chat`: talk to a model or an app through the gateway."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli.door import AsOption, Commands, Door, Reply, principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.types import Completion

app = Commands()
STOPPED = "the call was cancelled; what it cost until then is on record (`groundwork usage calls`)"


@app.add("chat", interrupted=STOPPED)
def chat(
    door: Door,
    prompt: Annotated[
        str,
        typer.Argument(
            metavar="[PROMPT]",
            help="Send this and end; `-` reads it from standard input; without it: a conversation.",
        ),
    ] = "",
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="As `groundwork model list` shows it; else the first of the spec.",
        ),
    ] = "",
    system: Annotated[
        str, typer.Option("--system", metavar="TEXT", help="What the model is told first.")
    ] = "",
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, max=2, help="0: equal calls come from the cache.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, max=1_000_000, help="Longest reply, in tokens.")
    ] = None,
    as_: AsOption = None,
) -> Reply | None:
    """Talk to a model or an app through the gateway.

    With a prompt it answers once; without one it goes on until Ctrl-D. Ctrl-C cancels the call that is under
    way, at the provider too. Cost and cache are shown after each reply.
    """
    from groundwork.app.calling import caller_of, default_model

    text = sys.stdin.read() if prompt == "-" or (not prompt and not sys.stdin.isatty()) else prompt
    with door.workspace() as workspace:
        talk = _Talk(workspace, model or default_model(workspace), caller_of(principal(as_)), door)
        talk.options = {"system": system, "temperature": temperature, "max_output_tokens": max_tokens}
        if text.strip():
            return talk.once(text)
        if door.json or not sys.stdin.isatty():
            from groundwork.core.errors import InvalidInputError

            raise InvalidInputError("there is nothing to send", hint='such as `groundwork chat "Hello"`')
        talk.go_on()
    return None


class _Talk:
    """One conversation: its turns, and how a reply is shown as it comes."""

    def __init__(self, workspace: Workspace, model: str, caller: Any, door: Door) -> None:
        self.gateway = workspace.gateway
        self.workspace = workspace
        self.model = model
        self.caller = caller
        self.door = door
        self.turns: list[tuple[str, str]] = []
        self.options: dict[str, Any] = {}
        self.spent = 0.0

    def once(self, text: str) -> Reply:
        """Send one prompt; on a terminal the reply is written as it comes."""
        if self.door.json:
            from groundwork.app.calling import request_of

            request = request_of(self.model, [("user", text)], **self.options)
            completion = self.gateway.complete(request, self.caller)
            return Reply(self._document(completion), lambda screen: [])
        self._reply(text)
        return Reply({}, lambda screen: [])

    def go_on(self) -> None:
        """Ask for the next turn until the person leaves."""
        screen = self.door.screen
        self.door.say([screen.soft(f"{self.model} · Ctrl-C cancels a reply, Ctrl-D ends")])
        while True:
            try:
                text = input(screen.teal("> "))
            except (EOFError, KeyboardInterrupt):
                print()
                break
            if not text.strip():
                continue
            self._turn(text)
        if self.turns:
            from groundwork.app.money import usd
            from groundwork.cli.screen import count

            said = count(len(self.turns) // 2, "reply", "replies")
            self.door.say([screen.soft(f"{said}, {usd(self.spent)}")])

    def _turn(self, text: str) -> None:
        from groundwork.cli.errors import as_groundwork_error, write_error
        from groundwork.core.errors import GroundworkError

        try:
            self._reply(text)
        except KeyboardInterrupt:
            self.door.note("cancelled; it is not part of the conversation")
        except GroundworkError as error:
            known = as_groundwork_error(error)
            write_error(known.message, known.hint)

    def _reply(self, text: str) -> None:
        """Stream a reply to the terminal and keep it as a turn once it is whole."""
        from groundwork.app.calling import request_of
        from groundwork.cli.screen import visible

        turns = [*self.turns, ("user", text)]
        request = request_of(self.model, turns, stream=True, **self.options)
        said = False
        try:
            with self.gateway.stream(request, self.caller) as stream:
                for event in stream:
                    if event.kind == "text" and event.text:
                        said = True
                        _write(visible(event.text))
                completion = stream.completion
        except BaseException:
            _write("\n" if said else "")
            raise
        assert completion is not None  # a stream that breaks has raised
        _write("" if not said else "\n")
        if not said:
            self.door.say(["(the model wrote nothing)"])
        self.turns = [*turns, ("assistant", completion.text)]
        self.spent += completion.meta.cost_usd
        self.door.note(self._after(completion))

    def _after(self, completion: Completion) -> str:
        from groundwork.app.calls import duration
        from groundwork.app.offers import cost_words
        from groundwork.cli.screen import Screen

        meta, usage = completion.meta, completion.usage
        served = (
            f"{meta.provider}/{meta.model}" if meta.model and meta.provider != meta.model else meta.provider
        )
        parts = [
            served or self.model,
            f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens",
            "from the cache, free" if meta.cached else cost_words(self.workspace, meta),
            duration(meta.latency_ms),
        ]
        parts += ["stopped at the longest reply"] if completion.finish == "length" else []
        parts += [f"{meta.attempts} attempts"] if meta.attempts > 1 else []
        return Screen.of(sys.stderr).soft(f"[{' · '.join([*parts, meta.call_id])}]")

    def _document(self, completion: Completion) -> dict[str, Any]:
        from dataclasses import asdict

        from groundwork.app.offers import cost_words

        meta = completion.meta
        return {
            "model": self.model,
            "text": completion.text,
            "finish": completion.finish,
            "usage": asdict(completion.usage),
            "call": {**asdict(meta), "cost": "free" if meta.cached else cost_words(self.workspace, meta)},
            "annotations": [dict(a) for a in completion.annotations],
        }


def _write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
