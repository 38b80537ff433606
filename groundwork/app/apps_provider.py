"""Apps served as models: `app/<name>` answers from its documents with citations, to any client of the gateway.

The release that stands in the installation's environment answers; `app/<name>@4` names a release, `app/<name>@staging` an
environment.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

from groundwork.answers.types import Answer, AnswerEvent, Turn
from groundwork.core.errors import (
    BudgetExceededError,
    CancelledError,
    ContextLengthError,
    GroundworkError,
    RateLimitedError,
    UpstreamTimeoutError,
)
from groundwork.core.principal import Principal
from groundwork.gateway.failures import Failure, FailureCode
from groundwork.gateway.types import Caller, Completion, Event, ModelInfo, Usage

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.providers import Attempt
    from groundwork.gateway.types import ChatRequest, DialectName, Embeddings, EmbedRequest


AT_ONCE = 32
"""How many answers are made at a time; those beyond wait, and nothing else of the server waits with them."""


class Apps:
    """The provider `app`. The last message of the user is the question, what stands before it the conversation.

    System messages of the client are not obeyed: an app's prompt is a version of its own. The text ends with the list of
    sources that its markers number; the same citations come structured as annotations, with the id of the answer.
    """

    dialect: ClassVar[DialectName | None] = None
    deterministic: ClassVar[bool] = False

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        # Threads of their own: a slow model holds one as long as it takes.
        self._threads = ThreadPoolExecutor(AT_ONCE, "app")

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        """Return the app's answer."""
        _refuse_forms(request)
        work = contextvars.copy_context().run
        answer = await asyncio.get_running_loop().run_in_executor(
            self._threads, work, self._ask, request, attempt, None
        )
        return Completion(
            text=spoken(answer) + sources(answer),
            usage=_usage(answer),
            annotations=tuple(cited(answer)),
        )

    async def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        """Yield the answer sentence by sentence, each after its citations were checked."""
        _refuse_forms(request)
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | Answer | Exception] = asyncio.Queue()
        gone = threading.Event()

        def tell(what: str | Answer | Exception) -> None:
            if not gone.is_set():
                loop.call_soon_threadsafe(queue.put_nowait, what)

        def on_event(event: AnswerEvent) -> None:
            if gone.is_set():
                raise CancelledError("the client left", hint="ask again")
            if event.kind == "sentence":
                tell(event.gap + event.text)

        def work() -> None:
            try:
                tell(self._ask(request, attempt, on_event))
            except Exception as error:
                tell(error)

        running = loop.run_in_executor(self._threads, work)
        said = False
        try:
            while True:
                got = await queue.get()
                if isinstance(got, Exception):
                    raise got
                if not isinstance(got, str):
                    answer = got
                    break
                yield Event("text", text=got)
                said = True
        finally:
            gone.set()
        await running
        yield Event("text", text=sources(answer) if said else spoken(answer) + sources(answer))
        for data in cited(answer):
            yield Event("annotation", data=data)
        yield Event("finish", finish="stop")
        yield Event("usage", usage=_usage(answer))

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        """Refuse: an app answers questions."""
        raise Failure("unsupported", f"the app `{attempt.model}` answers questions; it does not embed")

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        """Return the apps of the spec."""
        apps = self._workspace.spec.apps
        return [
            ModelInfo(name, "app", "app", description=f"answers from the index `{spec.index}` with citations")
            for name, spec in sorted(apps.items())
        ]

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        """Return None: what an app reads is decided when it is asked."""
        return None

    def _ask(self, request: ChatRequest, attempt: Attempt, on_event: Any) -> Answer:
        question, history = conversation(request)
        context = attempt.context
        principal = Principal(
            context.get("tenant", "default"),
            context.get("principal", "local"),
            frozenset(attempt.access or ()),
            owner=attempt.access is None,
        )
        # The answer's span hangs under that of this attempt.
        _, trace, span, *_ = f"{attempt.headers.get('traceparent', '')}---".split("-")
        caller = Caller(
            tenant=principal.tenant,
            principal=principal.name,
            key_id=context.get("key_id", ""),
            access=attempt.access,
            app=attempt.model.partition("@")[0],
            parent=context.get("call_id", ""),
            trace_id=trace or context.get("trace_id", ""),
            span_id=span,
        )
        try:
            return self._workspace.ask(
                question,
                app=attempt.model,
                principal=principal,
                history=history,
                caller=caller,
                on_event=on_event,
                unit=f"{principal.name} {request.user}" if request.user else "",
            )
        except GroundworkError as error:
            raise Failure(_code(error), error.message, error=error) from error


def _code(error: GroundworkError) -> FailureCode:
    """Return the word for the books; what the client is told is the error itself."""
    match error:
        case ContextLengthError():
            return "context_length"
        case RateLimitedError():
            return "rate_limited"
        case BudgetExceededError():
            return "limit"
        case UpstreamTimeoutError():
            return "timeout"
    return "server_error" if error.status >= 500 else "bad_request"


def _refuse_forms(request: ChatRequest) -> None:
    """Refuse what no answer in sentences can be, before anything is searched and recorded.

    Raises:
        Failure: JSON is asked for, or a function has to be called.
    """
    if request.response_format.kind != "text":
        raise Failure("unsupported", "an app answers in sentences with citations, not in JSON")
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "named"):
        raise Failure("unsupported", "an app answers from its documents and calls no functions")


def conversation(request: ChatRequest) -> tuple[str, list[Turn]]:
    """Return the last question of the user and what was said before it.

    Raises:
        Failure: no message of the user holds text.
    """
    asked = [i for i, m in enumerate(request.messages) if m.role == "user" and m.text.strip()]
    if not asked:
        raise Failure("bad_request", "no message of the user holds a question")
    last = asked[-1]
    history = [
        Turn(m.role, m.text)
        for m in request.messages[:last]
        if m.role in ("user", "assistant") and m.text.strip()
    ]
    return request.messages[last].text.strip(), history


def spoken(answer: Answer) -> str:
    """Return the answer as a chat partner says it; declining is said in words too."""
    if not answer.abstained:
        return answer.text
    return f"I cannot answer this from the documents: {answer.reason}."


def sources(answer: Answer) -> str:
    """Return the numbered list of sources, with a blank line before it; empty without citations."""
    if not answer.citations:
        return ""
    lines = [f"[{n}] {_place(c)}" for n, c in enumerate(answer.citations, 1)]
    return "\n\nSources:\n" + "\n".join(lines)


def cited(answer: Answer) -> Sequence[Mapping[str, Any]]:
    """Return the citations and the answer's id as structured matter."""
    places = [
        {
            "type": "citation",
            "marker": n,
            "document": c.document,
            "document_id": c.document_id,
            "chunk_id": c.chunk_id,
            "start": c.start,
            "end": c.end,
            "quote": c.quote,
            "page": c.page,
            "heading": c.heading,
        }
        for n, c in enumerate(answer.citations, 1)
    ]
    about = {
        "type": "answer",
        "answer_id": answer.id,
        "abstained": answer.abstained,
        "confidence": answer.confidence,
        "reason": answer.reason,
        "cost_usd": float(answer.usage.get("cost_usd", 0.0)),
        **({"release": answer.pins.release} if answer.pins.release else {}),
    }
    return [*places, about]


def _place(citation: Any) -> str:
    at = [p for p in (citation.heading, f"page {citation.page}" if citation.page else "") if p]
    return f"{citation.document} ({', '.join(at)})" if at else str(citation.document)


def _usage(answer: Answer) -> Usage:
    """Return the tokens of the app's own model calls; they are charged there, not here."""
    told = answer.usage
    if "input_tokens" in told:
        return Usage(int(told["input_tokens"]), int(told.get("output_tokens", 0)))
    characters = int(told.get("characters", 0)) + len(answer.question)
    return Usage(characters // 4 + 1, len(answer.text) // 4 + 1, estimated=True)
