"""What every provider behind HTTP shares: its addresses, its headers, and one exchange with it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from groundwork.core.errors import SettingsError
from groundwork.gateway import wire
from groundwork.gateway.failures import Failure
from groundwork.gateway.origin import Origin, parsed
from groundwork.gateway.providers._refusals import refusal
from groundwork.gateway.transport import Auth, EventStream, Limits, Reply, Transport

if TYPE_CHECKING:
    from yarl import URL

    from groundwork.gateway.providers import Attempt
    from groundwork.gateway.types import ChatRequest

_NOT_HERE = frozenset({
    "authorization", "proxy-authorization", "api-key", "x-api-key", "cookie", "host", "content-length", "connection",
    "transfer-encoding", "content-type", "accept-encoding", "te", "upgrade", "expect",
})  # fmt: skip
_LIMITS = tuple(f.name for f in fields(Limits) if f.name != "connections_per_host")
Prompt = Callable[[], str]


@dataclass(frozen=True)
class Remote:
    """One provider's place and manners.

    Args:
        base_url: with its path; `{model}` in it stands for the model's name.
        headers, query: of every request; neither may hold a secret.
        own_limits: fields of `Limits` that differ for this provider, but not `connections_per_host`.

    Raises:
        SettingsError: the address, a header or a limit cannot be used.
    """

    base_url: str
    auth: Auth
    headers: Mapping[str, str]
    query: Mapping[str, str]
    allow_http: bool = False
    own_limits: Mapping[str, float] = field(default_factory=dict)
    origin: Origin = field(init=False)
    limits: Limits | None = field(init=False)
    _urls: dict[str, URL] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            if name.lower() in _NOT_HERE:
                raise SettingsError(
                    f"the header `{name}` cannot be set for a provider",
                    hint="name a key by `key` and how it is sent by `auth`; everything else of this kind is set by itself",
                )
            if not (name.isascii() and name.isprintable() and str(value).isprintable()):
                raise SettingsError(f"the header `{name}` holds characters that HTTP cannot carry")
        for name, number in self.own_limits.items():
            if name not in _LIMITS:
                near = difflib.get_close_matches(name, _LIMITS, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(_LIMITS)}"
                raise SettingsError(f"a provider has no limit `{name}`", hint=hint)
            if not isinstance(number, int | float) or isinstance(number, bool) or number <= 0:
                raise SettingsError(f"the limit `{name}` is {number!r}; it must be a number above 0")
        limits: Any = self.own_limits
        object.__setattr__(self, "limits", Limits(**limits) if limits else None)
        plain = self.base_url.replace("{model}", "model")
        object.__setattr__(self, "origin", Origin.of(plain, allow_http=bool(self.allow_http)))

    def url(self, path: str, model: str = "") -> URL:
        """Return the address of `path` below the base address, with the configured parameters."""
        named = "{model}" in self.base_url
        key = f"{path} {model}" if named else path
        found = self._urls.get(key)
        if found is None:
            if named and (not model or not model.strip(".")):
                raise Failure("bad_request", f"no model can be named {model!r}")
            base = self.base_url.replace("{model}", quote(model, safe=""))
            from yarl import URL

            parsed(base)
            found = URL(base.rstrip("/") + path, encoded=True)
            if self.query:
                found = found.update_query(dict(self.query))
            if len(self._urls) < 1000:
                self._urls[key] = found
        return found

    async def post(self, path: str, body: Any, attempt: Attempt, prompt: Prompt) -> Any:
        """Return the reply's JSON. Raises Failure, also for every status but 200 to 299."""
        reply = await _transport(attempt).post_json(
            self.url(path, attempt.model),
            body,
            origin=self.origin,
            secret=attempt.secret,
            auth=self.auth,
            headers=self._headers(attempt),
            timeout_s=attempt.timeout_s,
            limits=self.limits,
        )
        return self.value(reply, attempt, prompt)

    async def stream(self, path: str, body: Any, attempt: Attempt, prompt: Prompt) -> EventStream:
        """Return the reply as an event stream, or with its `reply` set where it is whole JSON. Raises Failure."""
        stream = await _transport(attempt).post_stream(
            self.url(path, attempt.model),
            body,
            origin=self.origin,
            secret=attempt.secret,
            auth=self.auth,
            headers=self._headers(attempt),
            timeout_s=attempt.timeout_s,
            limits=self.limits,
        )
        if stream.reply is not None and stream.reply.status != 200:
            self.value(stream.reply, attempt, prompt)
        return stream

    async def get(self, path: str, attempt: Attempt, query: Mapping[str, str] | None = None) -> Any:
        """Return the reply's JSON. Raises Failure."""
        url = self.url(path, attempt.model)
        reply = await _transport(attempt).get_json(
            url.update_query(dict(query)) if query else url,
            origin=self.origin,
            secret=attempt.secret,
            auth=self.auth,
            headers=self._headers(attempt),
            timeout_s=attempt.timeout_s,
            limits=self.limits,
        )
        return self.value(reply, attempt, str)

    def value(self, reply: Reply, attempt: Attempt, prompt: Prompt) -> Any:
        """Return the JSON of a reply that is no refusal. Raises Failure."""
        if 200 <= reply.status < 300:
            return reply.json()
        try:
            body = reply.json()
        except Failure:
            body = None
        raise refusal(
            body,
            host=reply.host,
            status=reply.status,
            secret=attempt.secret,
            retry_after_s=reply.retry_after_s,
            prompt=prompt,
        )

    def event(self, data: str) -> dict[str, Any]:
        """Return the JSON object of one event of a stream. Raises Failure."""
        try:
            said = wire.read(data)
        except ValueError as error:
            raise Failure(
                "protocol", f"`{self.origin}` streamed what is no JSON: {error}", billed=True
            ) from None
        if not isinstance(said, dict):
            raise Failure("protocol", f"`{self.origin}` streamed JSON that is no object", billed=True)
        return said

    def refuse(self, said: Any, attempt: Attempt, prompt: Prompt) -> None:
        """Raise Failure for an error within a reply that began well."""
        if isinstance(said, dict):
            if not said.get("error") and said.get("type") != "error" and said.get("object") != "error":
                return
        elif not isinstance(said, list):
            raise Failure("protocol", f"`{self.origin}` answered JSON that is no object", billed=True)
        raise refusal(said, host=self.origin.name, secret=attempt.secret, prompt=prompt, billed=True)

    def _headers(self, attempt: Attempt) -> Mapping[str, str]:
        return {**self.headers, **attempt.headers} if self.headers else attempt.headers


def prompt_of(request: ChatRequest) -> Prompt:
    """Return a function that gives the text of a request, for errors that must not repeat it."""
    return lambda: " ".join(m.text for m in request.messages)


def _transport(attempt: Attempt) -> Transport:
    if attempt.transport is None:
        raise Failure(
            "unsupported", "this provider is reached over HTTP, and the call came without a transport"
        )
    return attempt.transport
