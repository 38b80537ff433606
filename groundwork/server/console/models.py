"""Pages of models: who serves them and what they cost, what works, local servers, clients, and a place to try one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.app import calls as words
from groundwork.app import checking, offers
from groundwork.app.calling import caller_of, default_model, request_of
from groundwork.app.clients import snippets
from groundwork.core.clock import SystemClock
from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.server.console.kept import kept_of
from groundwork.server.console.render import address, page, plural
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import ModelsCall, ModelsCheck, ModelsRead

router = APIRouter(prefix="/models", include_in_schema=False)
MAX_PROMPT = 100_000
FIELDS = ("model", "system", "temperature", "max_tokens", "prompt")


@dataclass(frozen=True)
class LastCheck:
    """What the last check of this server's life brought; it is not kept beyond it."""

    at: str
    found: tuple[checking.Checked, ...]

    @property
    def ok(self) -> bool:
        return all(c.ok for c in self.found)

    @property
    def words(self) -> str:
        bad = sum(not c.ok for c in self.found)
        if not self.found:
            return "There was nothing to try."
        return f"{plural(bad, 'model')} of {len(self.found)} failed." if bad else "Every model works."

    def of(self, model: str) -> checking.Checked | None:
        return next((c for c in self.found if c.name == model), None)


@dataclass(frozen=True)
class Tried:
    """What was sent to a model and what came of it: a reply or a problem."""

    asked: dict[str, str]
    sent: bool = False
    reply: dict[str, Any] | None = None
    problem: GroundworkError | None = None
    call: str = ""
    """The id of the call that failed, where there is a record of it."""


@router.get("")
def models_page(request: Request, house: House, principal: ModelsRead) -> Response:
    found = offers.offers(house, principal)
    last: LastCheck | None = getattr(request.app.state, "model_check", None)
    origin = str(request.base_url).rstrip("/")
    required = house.settings.gateway_keys == "required" or house.keys.exist(principal.tenant)
    key = "gw_…" if required else ""
    return page(
        request,
        "models.html",
        room="models",
        models=[_model(m, last) for m in found],
        providers=offers.providers(house),
        found=offers.nearby(house),
        checked=last,
        origin=origin,
        needs_key=required,
        snippets=snippets(origin, default_model(house), key),
    )


@router.post("/check")
def check(request: Request, _form: Posted, house: House, principal: ModelsCheck) -> Response:
    found = tuple(checking.check(house, principal))
    request.app.state.model_check = LastCheck(SystemClock().now().isoformat(), found)
    return RedirectResponse("/models", 303)


@router.get("/try")
def try_page(
    request: Request,
    house: House,
    principal: ModelsRead,
    model: Annotated[str, Query(max_length=300)] = "",
    shown: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    blank = {"model": model or default_model(house), **dict.fromkeys(FIELDS[1:], "")}
    tried: Tried = kept_of(request).get(shown) or Tried(blank)
    askable = [m for m in offers.offers(house, principal) if m.kind != "embedding"]
    return page(
        request,
        "model_try.html",
        room="models",
        models=askable,
        tried=tried,
        gone=bool(shown) and not tried.sent,
    )


@router.post("/try")
def try_model(request: Request, form: Posted, house: House, principal: ModelsCall) -> Response:
    asked = {name: text_of(form, name)[:MAX_PROMPT] for name in FIELDS}
    call = new_id("call")
    try:
        tried = Tried(asked, True, _ask(house, principal, asked, call))
    except GroundworkError as error:
        tried = Tried(asked, True, None, error, _recorded(house, principal, call))
    return RedirectResponse(address("/models/try", shown=kept_of(request).put(tried)), 303)


def _recorded(house: House, principal: Principal, call: str) -> str:
    """Return the id of a call where it came to a record: what is refused before admission has none."""
    try:
        return house.usage.call(principal, call).id
    except NotFoundError:
        return ""


def _ask(house: House, principal: Principal, asked: dict[str, str], call: str) -> dict[str, Any]:
    if not asked["prompt"]:
        raise InvalidInputError("there is nothing to send", hint="write something and send it again")
    request = request_of(
        asked["model"],
        [("user", asked["prompt"])],
        system=asked["system"],
        temperature=_number(asked["temperature"], "temperature"),
        max_output_tokens=int(_number(asked["max_tokens"], "longest reply") or 0) or None,
    )
    completion = house.gateway.complete(request, caller_of(principal, call_id=call))
    meta = completion.meta
    about = next((a for a in completion.annotations if a.get("type") == "answer"), {})
    served = f"{meta.provider}/{meta.model}" if meta.model and meta.model != meta.provider else meta.provider
    return {
        "completion": completion,
        "meta": meta,
        "served": served or asked["model"],
        "cost_words": "free" if meta.cached else offers.cost_words(house, meta),
        "time_words": words.duration(meta.latency_ms),
        "answer_id": str(about.get("answer_id", "")),
    }


def _model(offer: offers.Offer, last: LastCheck | None) -> dict[str, Any]:
    found = last.of(offer.id) if last else None
    return {
        "id": offer.id,
        "kind": offer.kind,
        "description": offer.description,
        "context_tokens": offer.context_tokens,
        "price_words": offer.price_words,
        "price_from": offer.price_from,
        "check": found,
    }


def _number(text: str, what: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InvalidInputError(
            f"`{text[:40]}` is no {what}", hint="write a number, or leave it empty"
        ) from None
