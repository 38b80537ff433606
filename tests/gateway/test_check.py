"""Trying providers and models: what works, what does not and why, and that every try is on record."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from groundwork.core.errors import ModelNotFoundError
from groundwork.gateway.check import MOST_LISTED, CheckResult, as_dict, check
from groundwork.gateway.transport import Transport
from groundwork.testing.upstream import Upstream
from groundwork.testing.upstream_script import Script
from tests.gateway.flows import PRICED, Lab, lab, scripted

ECHO = {"default": {"text": "Well, hello to you there"}}


def tried(it: Lab, name: str | None = None) -> list[CheckResult]:
    """Check within the lab."""
    return it.run(check(it.gateway, name))


def test_a_model_that_can_everything_is_said_to() -> None:
    provider = {"kind": "scripted", "models": {"echo": PRICED}}
    with lab(providers={"s": provider}) as it:
        [result] = tried(it)
        calls = it.calls()
    assert (result.name, result.provider, result.ok, result.problem) == ("s/echo", "s", True, "")
    assert result.supports == ("chat", "stream", "tools", "structured", "images")
    assert result.refused == {}
    assert result.latency_ms is not None
    assert result.first_token_ms is not None
    assert result.cost_usd is not None
    assert 0 < result.cost_usd < result.spent_usd
    assert result.price == {"input": 1.0, "output": 2.0}
    assert len(calls) == 5
    assert {c["principal"] for c in calls} == {"check"}
    assert sum(c["cost_nanousd"] for c in calls) == pytest.approx(result.spent_usd * 1e9)


def test_what_a_model_cannot_do_is_said_with_the_reason() -> None:
    with lab(providers={"s": scripted(m={"text": "I only talk"})}) as it:
        [result] = tried(it, "s/m")
    assert result.ok
    assert result.supports == ("chat", "stream", "images")
    assert set(result.refused) == {"tools", "structured"}
    assert all(result.refused.values())


def test_a_model_that_fails_is_tried_once_and_its_failure_named() -> None:
    with lab(providers={"s": scripted(m={"fail": "auth"}, n={"text": "fine enough"})}) as it:
        failed, fine = tried(it, "s")
    assert (failed.ok, failed.failure, failed.supports) == (False, "auth", ())
    assert failed.problem
    assert list(failed.refused) == ["chat"]
    assert fine.ok


def test_an_embedding_model_is_asked_to_embed() -> None:
    provider = {"kind": "scripted", "models": {"e": {"kind": "embedding", **PRICED}}}
    with lab(providers={"s": provider}) as it:
        [result] = tried(it)
    assert result.supports == ("embeddings",)
    assert result.cost_usd is not None


def test_a_provider_that_names_no_models_is_asked_for_its_list_and_a_few_are_tried() -> None:
    async def run(it: Lab) -> list[CheckResult]:
        it.gateway.flow.transport = Transport()
        async with Upstream({"": Script(models=tuple("abcde"), key="sk-right")}) as upstream:
            it.catalog._sources["up"].plugin = made(upstream.url)
            it.catalog._sources["wrong"].plugin = made(upstream.url)
            it.catalog._sources["gone"].plugin = made(upstream.refused_url)
            return await check(it.gateway)

    def made(url: str) -> Any:
        from groundwork.gateway.providers import PROVIDERS

        return PROVIDERS.make({"name": "openai_compatible", "base_url": f"{url}/v1"})

    base = {"base_url": "http://127.0.0.1:1/v1"}
    keys = {"env:RIGHT": "sk-right", "env:WRONG": "sk-wrong"}
    providers = {"up": {**base, "key": "env:RIGHT"}, "wrong": {**base, "key": "env:WRONG"}, "gone": base}
    with lab(providers=providers, secrets=lambda name: keys[name]) as it:
        results = it.run(run(it))
    by_name = {r.name: r for r in results}
    assert [r.name for r in results if r.provider == "up"] == ["up/a", "up/b", "up/c", "up"]
    assert by_name["up/a"].ok
    assert f"{5 - MOST_LISTED} more" in by_name["up"].problem
    assert (by_name["wrong"].ok, by_name["wrong"].failure) == (False, "auth")
    assert (by_name["gone"].ok, by_name["gone"].failure) == (False, "connect")
    assert "sk-" not in json.dumps([as_dict(r) for r in results])


def test_a_key_that_is_not_there_is_a_result_and_not_an_error() -> None:
    from groundwork.core.errors import SettingsError

    def secrets(name: str) -> str:
        raise SettingsError(f"{name} is not set")

    with lab(providers={"s": {"base_url": "http://127.0.0.1:1/v1", "key": "env:X"}}, secrets=secrets) as it:
        [result] = tried(it)
    assert (result.ok, result.failure) == (False, "auth")


def test_an_unknown_name_is_an_error() -> None:
    with lab(providers={"s": scripted(m="x")}) as it:
        for name in ("nobody", "s/none"):
            with pytest.raises(ModelNotFoundError):
                tried(it, name)


def test_results_can_be_written_as_json() -> None:
    with lab(providers={"s": scripted(m="Hello to all of you")}) as it:
        asyncio.run(asyncio.sleep(0))
        said = json.dumps([as_dict(r) for r in tried(it)])
    assert '"supports": ["chat"' in said
