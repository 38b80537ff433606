"""Models that say what a test wrote down, in place of a gateway: the smallest thing that keeps its protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from groundwork.answers.sentences import split
from groundwork.app.workspace import Workspace
from groundwork.core.errors import GroundworkError
from groundwork.gateway.types import Caller, CallMeta, ChatRequest, Completion, Event, FinishReason, Usage

Reply = str | GroundworkError | Callable[[ChatRequest], "str | GroundworkError"]


def copies(request: ChatRequest) -> str:
    """Say the first sentence of every passage, each with its marker."""
    said = []
    for number, text in _SHOWN.findall(request.messages[-1].text):
        units = [u for u in split(text) if u.kind == "sentence"]
        said += [f"{units[0].of(text)} [{number}]"] if units else []
    return " ".join(said) or "NO ANSWER"


_SHOWN = re.compile(r"^\[(\d+)\][^\n]*\n<passage>\n(.*?)\n</passage>", re.M | re.S)


@dataclass
class Models:
    """Answers each call with the next reply; a stream comes in pieces of `piece` characters.

    Attributes:
        breaks_after: characters after which a stream breaks.
        calls: what was asked, in order.
    """

    replies: Sequence[Reply]
    finish: FinishReason = "stop"
    piece: int = 7
    breaks_after: int | None = None
    cost_usd: float = 0.001
    calls: list[tuple[ChatRequest, Caller]] = field(default_factory=list)

    def complete(self, request: ChatRequest, caller: Caller) -> Completion:
        place = len(self.calls)
        self.calls.append((request, caller))
        reply = self.replies[min(place, len(self.replies) - 1)]
        said = reply(request) if callable(reply) else reply
        if isinstance(said, GroundworkError):
            raise said
        provider, _, model = request.model.partition("/")
        return Completion(
            said,
            finish=self.finish,
            usage=Usage(100, len(said) // 4 + 1),
            meta=CallMeta(f"call_{place}", provider, model, cost_usd=self.cost_usd),
        )

    @contextmanager
    def stream(self, request: ChatRequest, caller: Caller) -> Iterator[_Stream]:
        whole = self.complete(replace(request, stream=False), caller)
        yield _Stream(whole, self.piece, self.breaks_after)


@dataclass
class _Stream:
    whole: Completion
    piece: int
    breaks_after: int | None
    completion: Completion | None = None

    def __iter__(self) -> Iterator[Event]:
        from groundwork.core.errors import UpstreamError

        text = self.whole.text
        for at in range(0, len(text), self.piece):
            if self.breaks_after is not None and at >= self.breaks_after:
                raise UpstreamError("the connection broke in the middle", hint="ask again", failure="reset")
            yield Event("text", text=text[at : at + self.piece])
        yield Event("finish", finish=self.whole.finish)
        self.completion = self.whole


def give(workspace: Workspace, models: Any) -> Workspace:
    """Let the models of a workspace be these."""
    from groundwork.answers.readers import READERS

    rooms = workspace.rooms

    def make(spec: Any) -> Any:
        table = {"name": spec} if isinstance(spec, str) else dict(spec)
        table.setdefault("encoder", "none")
        if table["name"] == "generative":
            table["gateway"] = models
        return READERS.make(table)

    rooms.__dict__["pipeline"] = replace(rooms.pipeline, make_reader=make)
    return workspace
