"""A workspace whose apps ask scripted models: one that marks, one that leaves out, one cut off, one down, a cascade."""

from __future__ import annotations

from pathlib import Path

from groundwork.app.workspace import Workspace
from tests.answers.labs import lab

TRUE = "Every employee has 28 days of paid leave a year [1]."
ALSO = "Up to 5 days may be carried over until the end of March [1]."
FALSE = "They also get a <b>free</b> car [1]."
LEAVE = "How many days of paid leave does an employee have?"
FOLLOWING = "Until when may unused days of it be carried over?"
STANDALONE = "Until when may unused days of paid leave be carried over?"
APPS = """
cascade = ["lab/model"]
unsupported = "mark"

[apps.strict]
model = "lab/model"

[apps.cut]
model = "lab/cut"

[apps.down]
model = "lab/down"

[apps.steps]
cascade = ["lab/weak", "lab/model"]
escalate_below = 0.3

[apps.quoting]
model = "extractive"

[providers.lab.models.model]
price = { input = 2.5, output = 20.0 }

[providers.lab.models.cut]
[providers.lab.models.down]
[providers.lab.models.weak]
"""


def talking_house(tmp_path: Path) -> Workspace:
    """Make it; the calls of `lab/model` cost money, those of the others nothing."""
    said = {
        "rules": [{"when": "last question", "text": STANDALONE}, {"when": STANDALONE, "text": ALSO}],
        "replies": [f"{TRUE} {ALSO} {FALSE}"],
    }
    return lab(
        tmp_path,
        said,
        APPS,
        cut={"text": f"{TRUE} Up to 5 days of unused leave may be", "finish": "length"},
        down={"fail": "overloaded", "status": 503},
        weak=FALSE,
    )
