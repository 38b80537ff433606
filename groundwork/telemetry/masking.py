"""Mask secrets, and personal data where a workspace wants that, before a span is stored; whoever sent it.

Looking at a text costs a few searches for the marks that every secret of a kind has, such as `sk-` or `://`; only where one
is found a regular expression runs. Formats of keys: the documentation of their providers, and the rule sets of gitleaks and
detect-secrets, from which the marks are taken.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from groundwork.telemetry.personal import mask_personal
from groundwork.telemetry.types import Capture, Span, SpanEvent, SpanLink

MASK = "[masked: {}]"
TEXT_FIELDS = (
    "name", "status_message", "service", "scope", "app", "release", "environment", "user_id", "principal", "session_id",
    "input", "output",
)  # fmt: skip


class _Rule(NamedTuple):
    """A kind of secret: marks of which one stands, in lower case, in every text with such a secret; what it looks like."""

    what: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    group: int = 0


_KEY = r"[A-Za-z0-9_-]"
_RULES = (
    _Rule("private key", ("private key",), re.compile(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[\s\S]){0,20000}"
        r"(?:-----END [A-Z0-9 ]{0,40}-----)?")),
    _Rule("Groundwork key", ("gw_",), re.compile(r"(?<![A-Za-z0-9])gw_[0-9A-Za-z]{20,}")),
    _Rule("API key", ("sk-", "sk_", "rk_"), re.compile(
        rf"(?<![A-Za-z0-9])(?:sk-{_KEY}{{16,}}|[sr]k_(?:live|test|prod)_[0-9A-Za-z]{{10,}}|sk_{_KEY}{{32,}})")),
    _Rule("API key", ("gsk_", "xai-", "pplx-", "csk-", "tvly-", "nvapi-", "fw_", "r8_", "hf_", "aiza", "lsv2_", "whsec_",
                      "ya29.", "phc_", "phx_", "jina_", "pcsk_", "pa-"), re.compile(
        rf"(?<![A-Za-z0-9])(?:gsk_[0-9A-Za-z]{{20,}}|xai-[0-9A-Za-z]{{20,}}|pplx-[0-9A-Za-z]{{20,}}|csk-[0-9a-z]{{20,}}"
        rf"|tvly-{_KEY}{{16,}}|nvapi-{_KEY}{{20,}}|fw_[0-9A-Za-z]{{20,}}|r8_[0-9A-Za-z]{{30,}}|hf_[0-9A-Za-z]{{20,}}"
        rf"|AIza{_KEY}{{30,}}|lsv2_(?:pt|sk)_[0-9a-z_]{{20,}}|whsec_[0-9A-Za-z+/=]{{20,}}|ya29\.{_KEY}{{20,}}"
        rf"|ph[cx]_[0-9A-Za-z]{{30,}}|jina_[0-9A-Za-z]{{20,}}|pcsk_{_KEY}{{20,}}|pa-{_KEY}{{40,}})")),
    _Rule("access token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "npm_", "pypi-",
                           "sg.", "dop_v1_", "shpat_", "dapi", "sq0"), re.compile(
        rf"(?<![A-Za-z0-9])(?:gh[pousr]_[0-9A-Za-z]{{30,}}|github_pat_[0-9A-Za-z_]{{20,}}|glpat-{_KEY}{{18,}}"
        rf"|xox[abeoprs]-[0-9A-Za-z-]{{10,}}|xapp-[0-9A-Za-z-]{{10,}}|npm_[0-9A-Za-z]{{30,}}|pypi-{_KEY}{{40,}}"
        rf"|SG\.{_KEY}{{16,}}\.{_KEY}{{16,}}|dop_v1_[0-9a-f]{{40,}}|shpat_[0-9a-f]{{30,}}|dapi[0-9a-f]{{32}}"
        rf"|sq0[a-z]{{3}}-{_KEY}{{20,}})")),
    _Rule("AWS key", ("akia", "asia", "aroa", "aida"), re.compile(
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    _Rule("JWT", ("eyj",), re.compile(rf"(?<![A-Za-z0-9])eyJ{_KEY}{{8,}}\.{_KEY}{{8,}}(?:\.{_KEY}*)?")),
    _Rule("bearer token", ("bearer",), re.compile(r"(?i)\bbearer[\s:]+([A-Za-z0-9._~+/=-]{12,})"), 1),
    _Rule("password", ("://",), re.compile(r"://[^\s/:@\"'<>\\]{0,200}:([^\s/@\"'<>\\]{1,200})@"), 1),
    _Rule("web hook", ("hooks.slack.com", "webhooks/"), re.compile(
        r"(?:hooks\.slack\.com/(?:services|workflows)|discord(?:app)?\.com/api/webhooks)/([A-Za-z0-9_/-]{16,})"), 1),
)  # fmt: skip

_NAMES = (
    "password", "passwd", "passphrase", "pwd", "secret", "api_key", "apikey", "api-key", "api key", "access_key",
    "accesskey", "authorization", "credential", "private_key", "privatekey", "cookie", "account_key", "accountkey",
)  # fmt: skip
_NAMED = re.compile(
    r"""(?ix)
    (?<![a-z]) (?: [a-z0-9]{1,30} [_.-] ){0,4}
    ( pass (?:word|wd|phrase) | pwd | (?:client|app|shared|aws)?[_ -]?secret (?:[_ -]?(?:access[_ -]?)?key)?
    | api[_ -]?key | (?:access|private|account|auth|encryption|signing)[_ -]?key
    | (?:access|auth|refresh|id|api|session|bearer|security)?[_ -]?token | authorization | credentials? | cookie )
    \\* ["']? \s{0,3} (?: [:=] | => ) \s{0,3} \\* ["']?
    (?: (?:basic|token|bearer) \s+ )?
    ( [^\s"'\\,;&<>{}()\[\]]{4,500} )"""
)
_NAME = re.compile(
    r"""(?ix) (?: ^ | [._\s-] | (?<=[a-z])(?=[A-Z]) )
    ( pass(?:word|wd|phrase)? | pwd | (?:client|app|shared)?[_-]?secret | secret[_-]?(?:access[_-]?)?key
    | api[_-]?key | (?:access|private|account|auth|encryption|signing)[_-]?key
    | (?:access|auth|refresh|id|api|session|bearer|security)[_-]?token | token | (?:proxy-)?authorization | credentials?
    | (?:set-)?cookie ) $"""
)
_WEAK = frozenset({"token", "pass", "secret", "credential", "credentials", "cookie"})
_TEXT_KEYS = re.compile(
    r"""(?x) ^ (?: gen_ai\.(?:input|output)\.messages | gen_ai\.system_instructions | gen_ai\.prompt(?!\.name|\.version|\.id)
    | gen_ai\.completion | gen_ai\.(?:system|user|assistant|tool)\.message | gen_ai\.choice | gen_ai\.event\.content
    | gen_ai\.tool\.(?:call\.(?:arguments|result)|message|definitions|description) | gen_ai\.retrieval\.(?:query|documents)
    | gen_ai\.evaluation\.explanation | gen_ai\.reasoning | gen_ai\.memory | llm\.(?:input|output)_messages
    | llm\.(?:prompts|completions|choices)
    | llm\.(?:prompt_template\.(?:template|variables)|function_call|tools|response|request\.messages)
    | (?:input|output)\.value | input | output | message\.content | messages? | prompts? | completions? | content
    | retrieval\.documents | reranker\.(?:query|input_documents|output_documents) | embedding\.(?:text|embeddings)
    | tool\.(?:parameters|output|input|arguments|result) | tool_call\.function\.arguments
    | traceloop\.entity\.(?:input|output)
    | db\.(?:statement|query\.text) | http\.(?:request|response)\.body | langfuse\.(?:observation|trace)\.(?:input|output)
    | ai\.(?:prompt|response\.(?:text|object|toolCalls|reasoning)|result|toolCall\.(?:args|result)|values?)
    | mlflow\.span(?:Inputs|Outputs) | mlflow\.chat\.tools | events | all_messages_events | tool_arguments | tool_response
    | lk\.(?:input_text|response\.text|chat_ctx) | document\.content | exception\.(?:message|stacktrace)
    | groundwork\.(?:input|output|question|answer|text|passages?|chunks?|messages|prompt\.text|content|quotes?)
    | groundwork\.documents?\.text )
    (?: $ | \. )"""
)


@dataclass(frozen=True)
class Masker:
    """Cleans spans on their way into the store; the same span always comes out the same.

    Args:
        capture: says of an app whether its texts are kept (`on`), kept without personal data (`masked`), or not (`off`);
            secrets are masked always.
    """

    capture: Callable[[str], Capture] = lambda app: "on"

    def clean(self, span: Span, seen: bytes) -> Span:
        """Return the span as it may be stored.

        Args:
            seen: every text of the span in one, in UTF-8: its JSON, and what stands beside it.
        """
        kept = self.capture(span.app)
        if kept == "off":
            span = without_texts(span)
        if kept == "masked":
            return _changed(span, lambda text: mask_personal(mask_secrets(text)), pseudonyms=True)
        if (
            suspicious(seen)
            or named_secret(span.attributes)
            or (span.original and named_secret(span.original))
        ):
            return _changed(span, mask_secrets)
        return span


def suspicious(raw: bytes) -> bool:
    """Say at small cost whether a text may hold a secret; False is certain.

    Keys are long runs of letters, digits and the signs of base 64; most texts have none, and only those found are
    searched for the marks of keys.
    """
    low = raw.lower()
    if any(map(low.__contains__, _EVERYWHERE)) or (b"@" in raw and b"://" in raw):
        return True
    runs = raw.translate(_RUN)
    mixed: list[bytes] = []
    start = runs.find(_SHORTEST)
    while start >= 0:
        end = runs.find(b" ", start)
        end = len(runs) if end < 0 else end
        run = low[start:end]
        if run.translate(None, _DIGITS) != run and not run.translate(None, b"_-+/=").isdigit():
            mixed.append(run)
        start = runs.find(_SHORTEST, end)
    if not mixed:
        return False
    joined = b" ".join(mixed)
    if _IN_RUNS.search(joined):
        return True
    if any(map(low.__contains__, _STEMS)) and any(map(low.__contains__, _BESIDE_RUNS)):
        return True
    return low.count(b"token") > low.count(b"tokens")


class _SecretNames(dict[str, bool]):
    """Which names of attributes stand for secrets; the same few names come again and again."""

    def __missing__(self, name: str) -> bool:
        found = _NAME.search(name) is not None
        if len(self) < 10_000:
            self[name] = found
        return found


_secret_names = _SecretNames()


def named_secret(values: Mapping[str, Any]) -> bool:
    """Say at small cost whether an attribute has the name of a secret, or is an object, whose names nobody looked at."""
    return any(map(_secret_names.__getitem__, values)) or dict in set(map(type, values.values()))


def mask_secrets(text: str) -> str:
    """Return the text with every secret in it replaced by what it was, such as `[masked: API key]`."""
    if len(text) < 8:
        return text
    low = text.lower()
    for rule in _RULES:
        if any(map(low.__contains__, rule.marks)):
            text = rule.pattern.sub(lambda m, rule=rule: _hidden(m, rule.group, rule.what), text)  # type: ignore[misc]
    if any(map(low.__contains__, _NAMES)) or low.count("token") > low.count("tokens"):
        text = _NAMED.sub(_named, text)
    return text


def without_texts(span: Span) -> Span:
    """Return the span without what people and models wrote: its texts, and attributes that hold messages or passages."""
    return replace(
        span,
        input="",
        output="",
        attributes=_textless(span.attributes),
        original=_textless(span.original),
        events=tuple(replace(e, attributes=_textless(e.attributes)) for e in span.events),
        links=tuple(replace(link, attributes=_textless(link.attributes)) for link in span.links),
    )


def entropy(value: str) -> float:
    """Return Shannon's entropy of the characters of a text, in bits per character.

    Source:
        Shannon, A Mathematical Theory of Communication (1948), section 6.
    """
    n = len(value)
    return -sum(c / n * math.log2(c / n) for c in Counter(value).values()) if n else 0.0


def looks_random(value: str) -> bool:
    """Say whether a value looks made by a machine: at least 12 characters of 3 bits or more, digits among letters."""
    return (
        len(value) >= 12
        and entropy(value) >= 3.0
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
    )


def _hidden(match: re.Match[str], group: int, what: str) -> str:
    whole, start = match[0], match.start()
    return whole[: match.start(group) - start] + MASK.format(what) + whole[match.end(group) - start :]


def _named(match: re.Match[str]) -> str:
    name, value = match[1].lower(), match[2]
    if value.startswith(("[masked", "http://", "https://")):
        return match[0]
    word = name.strip("_ -")
    chosen_by_people = word.startswith("pass") or word == "pwd"
    secret = len(value) >= 5 and not value.isalpha() if chosen_by_people else looks_random(value)
    return _hidden(match, 2, word) if secret else match[0]


def _is_secret(key: str, value: str) -> bool:
    """Say whether a value is secret because of the name of its attribute."""
    found = _NAME.search(key)
    if found is None or len(value) < 4 or value.startswith("[masked"):
        return False
    name = found[1].lower()
    if name in _WEAK:
        return looks_random(value)
    return value.lower() not in ("true", "false", "none", "null", "required", "optional")


def _changed(span: Span, mask: Callable[[str], str], *, pseudonyms: bool = False) -> Span:
    changes: dict[str, Any] = {}
    for field in TEXT_FIELDS:
        value = getattr(span, field)
        if value and (masked := mask(value)) != value:
            changes[field] = _pseudonym(value) if pseudonyms and field == "user_id" else masked
    return replace(
        span,
        **changes,
        attributes=_mapping(span.attributes, mask),
        original=_mapping(span.original, mask),
        resource=_mapping(span.resource, mask),
        events=tuple(SpanEvent(mask(e.name), e.at_ns, _mapping(e.attributes, mask)) for e in span.events),
        links=tuple(SpanLink(x.trace_id, x.span_id, _mapping(x.attributes, mask)) for x in span.links),
    )


def _mapping(values: Mapping[str, Any], mask: Callable[[str], str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, str) and _is_secret(key, value):
            name = _NAME.search(key)
            kept[key] = MASK.format(name[1].lower() if name else "secret")
        else:
            kept[mask(key)] = _value(value, mask)
    return kept


def _value(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return _mapping(value, mask)
    if isinstance(value, list | tuple):
        return [_value(v, mask) for v in value]
    return value


def _textless(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if not _TEXT_KEYS.match(key)}


def _pseudonym(user: str) -> str:
    """Return a name that stands for the same person each time and tells nothing of them."""
    return f"user-{hashlib.sha256(user.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


# Which marks stand in a run of letters and digits, and which anywhere. A key has 12 characters and digits among letters.
_KEYS = ("Groundwork key", "API key", "access token", "AWS key", "JWT")
_IN_RUNS = re.compile(
    b"|".join(
        re.escape(mark.encode())
        for rule in _RULES
        if rule.what in _KEYS
        for mark in rule.marks
        if "." not in mark
    )
)
_BESIDE_RUNS = tuple(name.encode() for name in (*_NAMES, "hooks.slack.com", "webhooks/", "sg.", "ya29."))
_EVERYWHERE = (b"private key", b"passw", b"passphrase", b"pwd", b"bearer")
_STEMS = (b"key", b"secret", b"authoriz", b"credential", b"cookie", b"hook", b"sg.", b"ya29.")
_SHORTEST = b"a" * 12
_DIGITS = b"0123456789"
_RUN = bytes(
    ord("a") if chr(c) in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=" else ord(" ")
    for c in range(256)
)
