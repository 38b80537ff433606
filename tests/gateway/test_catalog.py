"""Names to providers: what can be asked for, what is refused when the spec is read, what is listed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from groundwork.core.errors import ModelNotFoundError, SettingsError, UnauthenticatedError
from groundwork.core.principal import LOCAL
from groundwork.gateway.catalog import Catalog
from groundwork.gateway.keys import Keys, new_secret
from groundwork.gateway.types import Caller, ModelInfo
from tests.gateway.flows import PRICED, Puppet, chat, lab, scripted, spec


def _catalog(**values: Any) -> Catalog:
    return Catalog(spec(**values), str, {"app": Puppet()})


TWO: dict[str, Any] = {"a": scripted(small="x", large="y"), "b": {"kind": "scripted"}}


def test_names_lead_to_providers_apps_and_routes() -> None:
    catalog = _catalog(
        providers=TWO,
        models={"fast": {"routes": [{"model": "a/small"}, {"model": "b/any"}], "fallbacks": ["extractive"]}},
    )
    assert [c.key for c in catalog.resolve("a/small").candidates] == [("a", "small")]
    assert catalog.resolve("b/whatever/it/lists").candidates[0].model == "whatever/it/lists"
    assert [c.key for c in catalog.resolve("fast").candidates] == [
        ("a", "small"),
        ("b", "any"),
        ("extractive", "extractive"),
    ]
    assert catalog.resolve("extractive").candidates[0].provider == "extractive"
    assert catalog.resolve("app/default").candidates[0].is_app
    assert catalog.resolve("a/small") is catalog.resolve("a/small")


@pytest.mark.parametrize(
    ("name", "near"),
    [("a/smal", "a/small"), ("fats", "fast"), ("app/defualt", "app/default"), ("extractiv", "extractive")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, near: str) -> None:
    catalog = _catalog(providers=TWO, models={"fast": {"routes": [{"model": "a/small"}]}})
    with pytest.raises(ModelNotFoundError) as caught:
        catalog.resolve(name)
    assert near in caught.value.hint


@pytest.mark.parametrize(
    "name", ["", "/", "a/", "/small", "b/" + "x" * 400, "a/small/", "app/", "nobody/x", "\x00"]
)
def test_what_is_no_name_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        _catalog(providers=TWO).resolve(name)
    assert "\x00" not in caught.value.message
    assert len(caught.value.message) < 200


def test_a_named_model_settles_its_own_deadline_attempts_and_hedge() -> None:
    catalog = _catalog(
        providers=TWO,
        settings={"call_attempts": 5, "call_deadline_s": 7},
        models={
            "own": {
                "routes": [{"model": "a/small"}],
                "deadline_s": 3,
                "attempts": 2,
                "hedge_after_ms": 50,
                "deterministic": True,
            }
        },
    )
    own, plain = catalog.resolve("own"), catalog.resolve("a/small")
    assert (own.deadline_s, own.attempts, own.hedge_after_ms, own.deterministic) == (3, 2, 50, True)
    assert (plain.deadline_s, plain.attempts, plain.hedge_after_ms, plain.deterministic) == (
        7,
        5,
        None,
        False,
    )


@pytest.mark.parametrize(
    ("models", "said", "hint"),
    [
        ({"m": {"routes": [{"model": "aa/small"}]}}, "no such provider", "a/small"),
        ({"m": {"routes": [{"model": "a/smal"}]}}, "no such model", "a/small"),
        (
            {"m": {"routes": [{"model": "a/small"}], "fallbacks": ["zzz/x"]}},
            "no such provider",
            "providers: a",
        ),
        (
            {"m": {"routes": [{"model": "n"}]}, "n": {"routes": [{"model": "a/small"}]}},
            "named model itself",
            "provider/model",
        ),
        ({"a": {"routes": [{"model": "a/small"}]}}, "name of a provider", "another name"),
    ],
)
def test_a_route_that_leads_nowhere_is_refused_when_the_spec_is_read(
    models: dict[str, Any], said: str, hint: str
) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        _catalog(providers=TWO, models=models)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ({"kind": "openai_compatibel", "base_url": "http://localhost:1"}, "unknown kind"),
        ({"kind": "scripted", "base_url": "http://localhost:1"}, "takes no `base_url`"),
        ({"kind": "scripted", "options": {"colour": "red"}}, "cannot be"),
        ({"kind": "openai_compatible", "base_url": "file:///etc/passwd"}, "no http or https"),
    ],
)
def test_a_provider_that_cannot_be_made_is_named(provider: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        _catalog(providers={"p": provider})
    assert "`p`" in caught.value.message


def test_a_provider_may_not_take_a_name_of_the_platform() -> None:
    with pytest.raises(SettingsError, match="app"):
        _catalog(providers={"app": {"kind": "scripted"}})


def test_the_list_has_every_name_with_what_is_known_of_it() -> None:
    catalog = _catalog(
        providers=TWO, models={"fast": {"routes": [{"model": "a/small"}], "fallbacks": ["b/x"]}}
    )
    assert catalog.list() == ["a/large", "a/small", "app/default", "extractive", "fast"]
    by_name = {m.id: m for m in catalog.infos()}
    assert by_name["a/small"].price == {"input": 1.0, "output": 2.0}
    assert by_name["app/default"].kind == "app"
    assert by_name["fast"].description == "served by a/small, then b/x"


def test_a_provider_without_models_is_asked_for_its_list_once_and_not_by_a_call() -> None:
    puppet = Puppet(listed=(ModelInfo("tiny", "ignored", context_tokens=7),))
    with lab(extra={"p": puppet}) as it:
        it.complete(chat("p/anything"))
        assert "p/tiny" not in it.catalog.list()
        listed = it.run(it.gateway.models(Caller()))
        tiny = next(m for m in listed if m.id == "p/tiny")
        assert (tiny.provider, tiny.context_tokens) == ("p", 7)
        puppet.listed = ()
        assert "p/tiny" in [m.id for m in it.run(it.gateway.models(Caller()))]


def test_a_provider_that_lists_nothing_in_time_holds_the_list_up_only_once(monkeypatch: Any) -> None:
    class Slow(Puppet):
        async def models(self, attempt: Any) -> list[ModelInfo]:
            await asyncio.sleep(30)
            return []

    monkeypatch.setattr("groundwork.gateway.catalog.LISTING_TIMEOUT_S", 0.1)
    with lab(extra={"p": Slow()}, providers={"a": scripted(small="x")}) as it:

        async def twice() -> float:
            await it.gateway.models(Caller())
            began = asyncio.get_running_loop().time()
            assert "a/small" in [m.id for m in await it.gateway.models(Caller())]
            return asyncio.get_running_loop().time() - began

        assert it.run(twice()) < 0.05


def test_a_key_sees_the_models_of_its_scopes() -> None:
    with lab(providers=TWO, extra={"app": Puppet()}) as it:

        def seen(*scopes: str) -> list[str]:
            found = it.run(it.gateway.models(Caller(scopes=scopes)))
            return [m.id for m in found if not m.id.startswith("b/")]

        assert seen("chat", "models", "model:a/s*") == ["a/small"]
        assert seen("chat", "app:*") == ["app/default"]
        assert seen("chat", "models") == ["a/large", "a/small", "app/default", "extractive"]


def test_a_caller_without_a_valid_key_learns_nothing_of_models() -> None:
    with lab(providers=TWO) as it:
        with pytest.raises(UnauthenticatedError):
            it.complete(chat("a/smal"), Caller(key=new_secret(), door="http"))
        assert it.calls() == []
        keys = Keys(it.database, it.clock)
        narrow, info = keys.create(LOCAL, "narrow", scopes=["chat", "model:a/l*"])
        with pytest.raises(ModelNotFoundError) as caught:
            it.complete(chat("a/smal"), Caller(key=narrow, door="http"))
        assert "small" not in caught.value.hint
        assert [(c["state"], c["error"], c["key_id"]) for c in it.calls()] == [
            ("failed", "model_not_found", info.id)
        ]


def test_any_number_of_names_of_an_open_provider_takes_bounded_memory(monkeypatch: Any) -> None:
    monkeypatch.setattr("groundwork.gateway.catalog._MOST_PLANS", 10)
    catalog = _catalog(providers=TWO, models={"fast": {"routes": [{"model": "a/small"}]}})
    for n in range(100):
        catalog.resolve(f"b/{n}")
    assert len(catalog._plans) <= 11
    assert catalog.resolve("fast").name == "fast"


def test_a_key_that_is_nowhere_fails_the_call_and_not_the_start() -> None:
    def nowhere(reference: str) -> str:
        raise SettingsError(f"{reference} is not set")

    values: dict[str, Any] = {
        "providers": {"k": {"kind": "scripted", "key": "env:SECRET_NAME", "models": {"m": PRICED}}, **TWO},
        "models": {"m": {"routes": [{"model": "k/m"}], "fallbacks": ["a/small"]}},
    }
    with lab(**values, secrets=nowhere) as it:
        assert it.complete(chat("m")).text == "x"
        assert [a["failure"] for a in it.attempts()] == ["auth", ""]


@pytest.mark.parametrize(
    "app",
    [
        {"model": "app/other"},
        {"model": "app/default"},
        {"model": "fast"},
        {"cascade": ["a/small", "app/other"]},
    ],
)
def test_an_app_behind_an_app_is_refused_when_the_spec_is_read(app: dict[str, Any]) -> None:
    models = {"fast": {"routes": [{"model": "a/small"}], "fallbacks": ["app/other"]}}
    with pytest.raises(SettingsError, match="which is an app"):
        _catalog(providers=TWO, models=models, apps={"default": app, "other": {}})


def test_a_named_model_may_lead_to_an_app_that_a_provider_answers_for() -> None:
    models = {"fast": {"routes": [{"model": "app/other"}]}}
    catalog = _catalog(providers=TWO, models=models, apps={"other": {"model": "a/small"}})
    assert catalog.resolve("fast").candidates[0].is_app


def test_a_reader_with_parameters_is_no_app() -> None:
    catalog = _catalog(providers=TWO, apps={"default": {"model": {"name": "extractive"}}})
    assert catalog.resolve("app/default").candidates[0].is_app
