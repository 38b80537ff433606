"""The platform works where the package `groundwork.pathways` was taken out: nothing of it hangs on being taught."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = '''
import contextlib, importlib.abc, io, json, sys
from pathlib import Path

class TakenOut(importlib.abc.MetaPathFinder):
    """Stands in for an installation without the package."""

    def find_spec(self, name, path, target=None):
        if name == "groundwork.pathways" or name.startswith("groundwork.pathways."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, TakenOut())
root = Path(sys.argv[1])
from groundwork.cli import run

def call(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(w) for w in words])
    return [code, out.getvalue(), err.getvalue()]

house = root / "house"
files = root / "files"
files.mkdir()
(files / "leave.md").write_text("# Leave\\n\\nEvery employee has 28 days of paid leave a year.\\n")
found = {"help": call("--help"), "init": call("init", house)}
(house / "groundwork.toml").write_text('[indexes.default]\\nembedder = "none"\\n\\n[apps.default]\\nstrategy = "lexical"\\n')
at = ("--workspace", house)
found["ingest"] = call("ingest", files, *at)
found["ask"] = call("ask", "How many days of paid leave?", "--json", *at)
found["doctor"] = call("doctor", *at)
found["release"] = call("release", "create", *at)
found["path"] = call("path", "next", *at)

from starlette.testclient import TestClient
from groundwork.app.workspace import Workspace
from groundwork.server.application import create_app

with Workspace.open(house) as workspace:
    app = create_app(workspace)
    with TestClient(app, base_url="http://127.0.0.1:8700", client=("127.0.0.1", 50000)) as client:
        for page in ("/api/openapi.json", "/", "/answers", "/jobs", "/api/pathways/next", "/pathways"):
            answer = client.get(page, headers={"accept": "application/json" if page.startswith("/api") else "text/html"})
            found[page] = [answer.status_code, answer.text[:2000], ""]
    user = workspace.accounts.users.create(workspace.accounts.principal_in("default"), "ann")
    workspace.accounts.remove_user(workspace.accounts.principal_in("default"), user.id)
    found["erased"] = [0, str([r.room for r in workspace.erase([workspace.documents()[0][0].id])]), ""]
found["loaded"] = [0, str([m for m in sys.modules if m.startswith("groundwork.pathways")]), ""]
print(json.dumps(found))
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    root: Path = tmp_path_factory.mktemp("without")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    read: dict[str, list[object]] = json.loads(done.stdout.splitlines()[-1])
    return read


@pytest.mark.parametrize("what", ["help", "init", "ingest", "ask", "doctor", "release", "erased"])
def test_what_does_not_belong_to_it_works_as_before(found: dict[str, list[object]], what: str) -> None:
    code, _, said = found[what]
    assert code == 0, said


@pytest.mark.parametrize("page", ["/api/openapi.json", "/", "/answers", "/jobs"])
def test_the_server_starts_and_shows_its_pages(found: dict[str, list[object]], page: str) -> None:
    assert found[page][0] == 200, found[page][1]


def test_its_own_doors_say_that_it_is_not_installed(found: dict[str, list[object]]) -> None:
    code, _, said = found["path"]
    assert code == 1
    assert "pathways is not installed" in str(said)
    for page in ("/api/pathways/next", "/pathways"):
        assert found[page][0] == 501, found[page][1]


def test_nothing_of_it_was_loaded_and_an_answer_is_right(found: dict[str, list[object]]) -> None:
    assert found["loaded"][1] == "[]"
    assert "28 days" in str(found["ask"][1])


def test_labs_are_named_alike_where_they_are_read_without_it() -> None:
    from groundwork.app import lab_parts
    from groundwork.pathways.labs import PREFIX

    assert lab_parts.PREFIX == PREFIX
