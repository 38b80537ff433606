"""What labs add to the spec: merged, or left out with a reason; never a workspace that does not open."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.config import read_config
from groundwork.app.lab_parts import read_parts
from groundwork.app.toml_text import toml_text
from groundwork.app.workspace import Workspace
from groundwork.core.errors import InternalError
from groundwork.gateway.types import Caller, ChatRequest, Message, TextPart

GOOD = '[indexes.lab-a]\nembedder = "none"\n\n[apps.lab-a]\nindex = "lab-a"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "groundwork.toml").write_text('[apps.mine]\n\n[apps.lab-mine]\nindex = "default"\n')
    return tmp_path


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    made = Workspace.init(root)
    yield made
    made.close()


def fragment(root: Path, text: str, lab: str = "tower") -> Path:
    path = root / "labs" / lab / "groundwork.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_fragment_is_merged_and_says_where_its_values_come_from(root: Path) -> None:
    fragment(root, GOOD)
    resolved = read_config(root, {})
    assert resolved.spec.apps["lab-a"].index == "lab-a"
    assert resolved.origins["apps.lab-a.index"] == "lab"
    assert {"default", "mine", "lab-mine"} <= set(resolved.spec.apps)
    assert resolved.left_out == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[apps.lab-a\n", "it is not valid TOML"),
        ("[apps.a]\n", "`[apps.a]` does not begin with `lab-`"),
        ("[settings]\nport = 1\n", "a lab cannot set `settings`"),
        ("port = 1\n", "a lab cannot set `port`"),
        ("[environments.lab-x]\n", "a lab cannot set `environments`"),
        ("apps = 3\n", "`apps` is no table"),
        ('[apps.lab-a]\nindx = "x"\n', "unknown key `apps.lab-a.indx` in labs/tower/groundwork.toml"),
        ("[apps.lab-a]\npassages = 0\n", "does not fit"),
        ("[apps.lab-mine]\n", "groundwork.toml has [apps.lab-mine] as well"),
        ("\x00", "it is not valid TOML"),
    ],
)
def test_a_fragment_that_does_not_fit_is_left_out_whole_with_a_reason(
    root: Path, text: str, said: str
) -> None:
    fragment(root, "[apps.lab-b]\n", "bridge")
    fragment(root, text)
    resolved = read_config(root, {})
    assert set(resolved.spec.apps) == {"default", "mine", "lab-mine", "lab-b"}
    assert len(resolved.left_out) == 1
    assert resolved.left_out[0].startswith("labs/tower/groundwork.toml is left out: ")
    assert said in resolved.left_out[0]


def test_of_two_fragments_with_one_name_the_first_counts(root: Path) -> None:
    fragment(root, GOOD, "one")
    fragment(root, GOOD, "two")
    parts = read_parts(root, {})
    assert set(parts.values) == {"indexes", "apps"}
    assert parts.left_out[0].startswith("labs/two/groundwork.toml is left out: the folder of another lab has")


def test_folders_that_are_no_labs_add_nothing(root: Path) -> None:
    for folder in ("tower.1.bak", "Tower", ".tower"):
        fragment(root, GOOD, folder)
    assert read_parts(root, {}).values == {}


def test_a_link_out_of_the_workspace_is_not_followed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "groundwork.toml").write_text(GOOD)
    (root / "labs").mkdir()
    (root / "labs" / "tower").symlink_to(outside)
    assert read_parts(root, {}).values == {}


def test_a_workspace_that_runs_takes_up_what_labs_add_and_drop(root: Path, workspace: Workspace) -> None:
    def said(model: str) -> str:
        request = ChatRequest(model, (Message("user", (TextPart("hello"),)),))
        return workspace.gateway.complete(request, Caller()).text

    spec, gates = workspace.spec, workspace.spec.gates
    assert "lab-p" not in workspace.catalog.providers()
    path = fragment(
        root,
        '[providers.lab-p]\nkind = "scripted"\n\n[models.lab-m]\nroutes = [{ model = "lab-p/echo" }]\n\n'
        '[gates.lab-g]\ndataset = "lab-d"\n',
    )
    workspace.take_up_labs()
    assert said("lab-m") == "hello"
    assert workspace.spec is spec
    assert set(gates) == {"lab-g"}
    path.unlink()
    workspace.take_up_labs()
    assert "lab-p" not in workspace.catalog.providers()
    assert gates == {}


def test_models_of_a_lab_that_cannot_be_served_do_not_stop_the_others(root: Path) -> None:
    fragment(root, '[providers.lab-p]\nkind = "scripted"\noptions = { nope = 1 }\n')
    with Workspace.init(root) as workspace:
        assert "lab-p" not in workspace.catalog.providers()
        assert "nope" in workspace.door.lab_trouble
        told = [f for f in workspace.doctor() if f.topic == "labs"]
        assert "models of labs are not served" in told[0].message


@pytest.mark.parametrize(
    "tables",
    [
        {"apps": {"lab-x": {"index": "lab-i", "threshold": 0.5}}},
        {
            "providers": {
                "lab-p": {
                    "options": {"scripts": {"m": [{"when": 'a " \\ \n\x7f\t', "json": {"a": [1, {}]}}]}}
                }
            }
        },
        {"judges": {"lab-j": {"model": "x", "yes": True, "n": -3, "big": 1e300}}},
        {"indexes": {"lab-i": {}}, "a b": {"ü.": "ü"}},
    ],
)
def test_tables_are_read_back_as_they_were_written(tables: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(tables)) == tables


def test_what_toml_cannot_say_is_refused() -> None:
    with pytest.raises(InternalError, match="no form for None"):
        toml_text({"a": {"b": None}})
