"""Find model servers that run on this machine, at the ports where they usually listen. Nothing else is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from groundwork.gateway.failures import Failure
from groundwork.gateway.origin import Origin
from groundwork.gateway.providers._openai_reply import models_of

if TYPE_CHECKING:
    from groundwork.gateway.transport import Transport

PLACES = {"ollama": 11434, "llamacpp": 8080, "vllm": 8000, "lmstudio": 1234}
TIMEOUT_S = 0.3


@dataclass(frozen=True, slots=True)
class Found:
    """A server that answered; `base_url` is what a provider of the spec takes, `models` what it serves now."""

    name: str
    base_url: str
    models: tuple[str, ...]


async def find_local(transport: Transport, places: dict[str, int] | None = None) -> list[Found]:
    """Return the model servers that answer within 300 ms, in the order of `places`.

    Only 127.0.0.1 is asked, without any key, and only what answers `GET /v1/models` with a list of models counts: many other
    things listen at these ports.

    Args:
        places: names and ports; None: those of Ollama, llama.cpp, vLLM and LM Studio.
    """
    # To load the client takes longer than a server is given to answer; the first look of a process would find nothing.
    import_module("groundwork.gateway.pool")
    asked = PLACES if places is None else places
    found = await asyncio.gather(*(_look(transport, name, port) for name, port in asked.items()))
    return [server for server in found if server is not None]


async def _look(transport: Transport, name: str, port: int) -> Found | None:
    from yarl import URL

    base = f"http://127.0.0.1:{port}/v1"
    try:
        reply = await transport.get_json(URL(f"{base}/models"), origin=Origin.of(base), timeout_s=TIMEOUT_S)
        body = reply.json() if reply.status == 200 else None
    except Failure:
        return None
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or (rows and not models_of(body)):
        return None
    return Found(name, base, tuple(model.id for model in models_of(body)))
