"""The shapes of the JSON interface for keys, models, usage and calls."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from groundwork.server.bodies import In, Moment, Out

Usd = Annotated[float, Field(description="US dollars; the ledger counts billionths.")]
Scopes = Annotated[
    list[str],
    Field(
        max_length=100,
        description="`chat`, `embed`, `models`; `model:<glob>` and `app:<glob>` narrow what may be asked for.",
    ),
]
Access = Annotated[
    list[str] | None,
    Field(
        description="Tokens that open documents to apps asked with this key, beside public ones; null: every document."
    ),
]
Rate = Annotated[float, Field(ge=0, le=1e12, description="Per minute; 0: no limit.")]
Amounts = Annotated[
    dict[Literal["day", "month", "total"], Annotated[float, Field(ge=0, le=9e9)]],
    Field(description="USD by period; a period that is left out has no limit."),
]
Period = Literal["day", "month", "total"]
CallState = Literal["open", "done", "failed", "incomplete", "cancelled", "lost"]


# --- keys --------------------------------------------------------------------------------------------------------------


class BudgetBody(Out):
    """A budget and what is left of it in the period that runs."""

    scope: str = Field(description="`key:key_…`, `app:<name>` or `workspace`.")
    name: str = Field(description="Of the key or app; empty for the workspace.")
    period: Period
    start: str = Field(description="The window that runs: a day, a month or `all`.")
    resets_at: str | None = Field(description="When the budget is whole again; null: never.")
    limit_usd: Usd
    spent_usd: Usd
    reserved_usd: Usd = Field(description="Held for calls in flight.")
    left_usd: Usd


RoleWord = Literal["viewer", "builder", "operator", "admin"]


class KeyBody(Out):
    """An API key as everybody may see it; the key itself is shown once, at creation."""

    id: str
    name: str
    prefix: str = Field(description="The first characters of the key.")
    scopes: list[str]
    role: str = Field(description="What it may do on the platform beside calling models; empty: nothing.")
    access: list[str] | None
    budget_usd: dict[str, float]
    requests_per_minute: float
    tokens_per_minute: float
    created_at: Moment
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    state: Literal["active", "expired", "revoked"]
    budgets: list[BudgetBody]
    spent_usd: Usd
    calls: int


class NewKeyBody(KeyBody):
    """A key that was just made."""

    key: str = Field(description="The key itself. It is stored nowhere and cannot be shown again.")
    base_url: str = Field(description="What OpenAI clients call `base_url`.")


class KeyIn(In):
    """What a new key may do."""

    name: str = Field("", max_length=100, description="For people; no two active keys share one.")
    scopes: Scopes = Field(default_factory=lambda: ["chat", "embed", "models"])
    role: RoleWord | None = Field(
        None, description="What it may do on the platform beside calling models; null: nothing."
    )
    access: Access = Field(default_factory=list)
    budget_usd: Amounts = Field(default_factory=dict)
    requests_per_minute: Rate = 0.0
    tokens_per_minute: Rate = 0.0
    expires_at: str | None = Field(None, max_length=40, description="ISO 8601; null: never.")


class KeyChange(In):
    """What changes; what is left out stays. Budgets are replaced as a whole."""

    name: str | None = Field(None, max_length=100)
    scopes: Scopes | None = None
    role: RoleWord | Literal[""] | None = Field(None, description="Empty: none any more.")
    access: Access = None
    budget_usd: Amounts | None = None
    requests_per_minute: Rate | None = None
    tokens_per_minute: Rate | None = None
    expires_at: str | None = Field(None, max_length=40, description="ISO 8601; empty: never.")


# --- models ------------------------------------------------------------------------------------------------------------


class ModelBody(Out):
    """A model that can be asked for."""

    id: str
    provider: str
    kind: Literal["chat", "embedding", "app"]
    context_tokens: int | None
    max_output_tokens: int | None
    price: dict[str, float] | None = Field(description="USD per million tokens; null: unknown.")
    price_source: str = Field(
        description="`spec`, or where the bundled list has it from; empty: free or unknown."
    )
    price_date: str = Field(description="When the bundled list looked it up.")
    description: str


class CheckIn(In):
    """What to try."""

    name: str | None = Field(None, max_length=300, description="A provider or a model; null: each of them.")


class CheckBody(Out):
    """What trying one model brought."""

    name: str
    provider: str
    ok: bool
    problem: str = Field(description="Why it does not work; empty when it does.")
    latency_ms: float | None
    first_token_ms: float | None
    tokens_per_second: float | None
    cost_usd: float | None = Field(description="Of one short answer; null: the price is unknown.")
    spent_usd: float = Field(description="Of all tries together.")
    supports: list[str] = Field(
        description="Of `chat`, `stream`, `tools`, `structured`, `images`, `embeddings`."
    )
    refused: dict[str, str] = Field(description="What does not work, with the reason.")


class ChecksBody(Out):
    """Every check that was made."""

    ok: bool
    checks: list[CheckBody]


# --- usage -------------------------------------------------------------------------------------------------------------


class UsageRowBody(Out):
    """Totals of a group of calls."""

    group: dict[str, str] = Field(description="The names asked for, such as `key`, with their values.")
    calls: int
    failed: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost_usd: Usd
    energy_wh: float = Field(description="An estimate.")


class UsageBody(Out):
    """Totals by group."""

    by: list[str]
    since: str | None
    until: str | None
    rows: list[UsageRowBody]


class CachedBody(Out):
    """Cached completions of one model."""

    model: str = Field(description="As it was asked for.")
    completions: int
    size: int = Field(description="In bytes.")
    hits: int = Field(description="Calls that were answered from them.")


class CacheBody(Out):
    """What the gateway keeps of completions, by model."""

    rows: list[CachedBody]


class ClearedBody(Out):
    """What was forgotten."""

    removed: int = Field(description="Cached completions.")


class AttemptBody(Out):
    """One request to a provider."""

    id: str
    n: int
    reason: Literal["first", "retry", "fallback", "hedge", "repair", "escalation"]
    provider: str
    model: str
    state: CallState
    status: int | None = Field(description="The provider's HTTP status.")
    failure: str = Field(description="A code such as `timeout`; empty when it did not fail.")
    input_tokens: int
    output_tokens: int
    cost_usd: Usd
    latency_ms: float
    first_token_ms: float | None
    started_at: Moment


class CallLine(Out):
    """One call as a list shows it."""

    id: str
    started_at: Moment
    state: CallState
    operation: str
    dialect: str
    model: str = Field(description="As it was asked for.")
    provider: str = Field(description="Who served it in the end.")
    served_model: str
    key_id: str
    principal: str
    app: str
    cached: bool
    error: str
    input_tokens: int
    output_tokens: int
    cost_usd: Usd
    price_known: bool = Field(description="Whether the cost is known; an unknown price costs 0 here.")
    latency_ms: float


class CallBody(CallLine):
    """One call with its attempts and what it was made from."""

    finished_at: str | None
    stream: bool
    structured: Literal["none", "valid", "repaired", "refused"]
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    estimated: bool = Field(description="Whether tokens are estimated, because the provider said nothing.")
    reserved_usd: Usd
    energy_wh: float
    first_token_ms: float | None
    release: str
    answer_id: str
    parent: str = Field(description="The call it was made for.")
    prompt: str
    snapshot: str
    trace_id: str
    attempts: list[AttemptBody]
    made: list[CallLine] = Field(description="Calls that an app made to serve this one, oldest first.")
    made_cost_usd: Usd = Field(description="What those cost together.")


class CallsBody(Out):
    """Calls, newest first; `next` goes into `before` for the next page."""

    items: list[CallLine]
    next: str | None
