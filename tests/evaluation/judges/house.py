"""Judges in a workspace of their own: models that play a script, and evaluations that are made up on the spot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from groundwork.app.workspace import Workspace
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.datasets.types import Example
from groundwork.evaluation.judges.cards import Judged
from groundwork.evaluation.judges.judges import Judges
from groundwork.evaluation.types import Evaluation, Output, Result, Score
from tests.workspaces import light_workspace

SPEC = """\
[indexes.default]
backend = "memory"
embedder = "none"

[providers.play]
kind = "scripted"

[providers.play.options.scripts]
always = { json = { reason = "fine", verdict = "pass" } }
garbage = { text = "I would rather not say." }
first = { json = { reason = "the first one", verdict = "first" } }

[providers.play.options.scripts.zebra]
rules = [
    { when = "zebra", json = { reason = "it names the zebra", verdict = "pass" } },
    { when = "", equals = "", json = { reason = "no zebra", verdict = "fail" } },
]
replies = [{ json = { reason = "no zebra", verdict = "fail" } }]

[judges.right]
model = "play/zebra"
rubric = "It names the animal."

[judges.yes]
model = "play/always"

[judges.mute]
model = "play/garbage"

[judges.pair]
kind = "pairwise"
model = "play/first"

[judges.bench]
kind = "jury"
members = ["right", "yes", "mute"]
"""
JUDGES = """
[providers.play.models.mixed]
[providers.play.models.sees]
[providers.play.models.first]

[providers.play.options.scripts.mixed]
rules = [{ when = "1", text = "It is a zebra." }, { when = "2", text = "It may be a zebra or a horse." }]
replies = [{ text = "It is a horse." }]

[providers.play.options.scripts.sees]
rules = [{ when = "zebra", json = { reason = "it names the zebra", verdict = "pass" } }]
replies = [{ json = { reason = "no zebra", verdict = "fail" } }]

[providers.play.options.scripts.first]
json = { reason = "the first one", verdict = "first" }

[judges.right]
model = "play/sees"
rubric = "It names the animal."
shows = ["input"]

[judges.pair]
kind = "pairwise"
model = "play/first"

[judges.bench]
kind = "jury"
members = ["right", "other"]

[judges.other]
model = "play/sees"

[judges.broken]
model = "play/sees"
prompt = "nowhere"
"""
"""Judges for a spec that has the provider `play` and its scripts already."""


@dataclass
class FakeBook:
    """Evaluations held in memory, by tenant."""

    held: dict[tuple[str, str], tuple[Evaluation, list[Result], list[Example]]] = field(default_factory=dict)

    def put(
        self,
        outputs: list[str],
        *,
        identifier: str = "evl_one",
        tenant: str = "default",
        judge: str = "right",
        passes: str = "zebra",
        models: tuple[str, ...] = ("",),
    ) -> str:
        """Keep an evaluation whose judge passes every output that holds the word `passes`."""
        examples = [Example(f"exm_{n}", f"Which animal is it? ({n})") for n in range(len(outputs))]
        results = []
        for n, text in enumerate(outputs):
            passed = float(passes in text)
            label = "pass" if passed else "fail"
            score = Score(passed, label, parts={"judge": judge, "version": "v"})
            output = Output(text=text, documents=(f"doc_{n}",), model=models[n % len(models)])
            results.append(Result(n, 0, f"exm_{n}", "done", output, {"judge": score}))
        self.held[tenant, identifier] = (_evaluation(identifier, len(outputs)), results, examples)
        return identifier

    def erase(self, identifier: str, tenant: str = "default") -> None:
        """Blank every output, as the erasure of its documents does."""
        found, results, examples = self.held[tenant, identifier]
        blank = [replace(r, output=Output()) for r in results]
        self.held[tenant, identifier] = (replace(found, redacted=True), blank, examples)

    def get(self, principal: Principal, ref: str) -> Evaluation:
        return self._of(principal, ref)[0]

    def results(
        self,
        principal: Principal,
        evaluation_id: str,
        *,
        only: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Result]:
        return self._of(principal, evaluation_id)[1]

    def examples(self, principal: Principal, evaluation_id: str) -> list[Example]:
        return self._of(principal, evaluation_id)[2]

    def _of(self, principal: Principal, ref: str) -> tuple[Evaluation, list[Result], list[Example]]:
        try:
            return self.held[principal.tenant, ref]
        except KeyError:
            raise NotFoundError(f"there is no evaluation `{ref}`") from None


def _evaluation(identifier: str, n: int) -> Evaluation:
    return Evaluation(
        id=identifier, title="Animals", app="", dataset="animals", dataset_version="d" * 64, split="test", subject={},
        scorers={"judge": {}}, repeats=1, n=n, state="done", plan="p", progress={}, summary=None,
        expected_cost_usd=None, cost_usd=0.0,
    )  # fmt: skip


@dataclass
class JudgeHouse:
    """A workspace with judges, and a book to put evaluations into."""

    workspace: Workspace
    book: FakeBook
    judges: Judges


def judge_house(root: Path, spec: str = SPEC) -> JudgeHouse:
    """Make a workspace whose judges draw from evaluations in memory."""
    workspace = light_workspace(root, spec)
    book = FakeBook()
    made = workspace.evaluation.judges
    judges = Judges(
        workspace.rooms.database, workspace.rooms.clock, workspace.spec.judges, made.asking, lambda: book
    )
    workspace.evaluation.__dict__["judges"] = judges
    return JudgeHouse(workspace, book, judges)


def animals(n: int, share: float = 0.6) -> list[str]:
    """Return outputs of which a share names a zebra, in a fixed mixture."""
    return [f"It is a {'zebra' if (n * 7) % 10 < share * 10 else 'horse'}, number {n}." for n in range(n)]


def kept_judge(workspace: Workspace, principal: Principal) -> tuple[str, str]:
    """Keep labels and verdicts of a judge of another place in a tenant; return the ids of the sample and the card."""
    judges = workspace.evaluation.judges
    judged = [Judged(f"{principal.tenant}-{n}", {"ann": "pass"}, ("fail", "pass")[n % 2]) for n in range(4)]
    sample = judges.import_judged(principal, "elsewhere", judged, ("fail", "pass"), "pass")
    return sample.id, judges.make_card(principal, "elsewhere", (sample.id,)).id
