"""A help desk whose model fills in a form and calls functions: a schema that is strict enough, and what happens without.

The model plays a script. Of eight tickets it fills in one form wrongly and mends it when it is told, and one wrongly
each time; so it does with the calls of functions. What is wrong was drawn: only a schema with all the rules finds both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet

PROVIDER = "lab-desk"
TICKETS = 8
QUEUES = {
    "billing": "I was charged {euros} euros twice for order {order}.",
    "delivery": "Order {order} over {euros} euros has not arrived.",
    "returns": "I sent order {order} back and wait for my {euros} euros.",
    "repairs": "What I bought with order {order} for {euros} euros broke after a week.",
    "accounts": "I cannot sign in to see my bill of {euros} euros for order {order}.",
}
STRANGE_QUEUES = ("complaints", "general", "escalation", "misc")
FAULTS = ("order", "queue", "euros")
"""Fields that a form can have wrong."""
ACTIONS = {
    "give_back": ("pays money back", "cents", "how much, in whole cents"),
    "send_again": ("sends an order once more", "days", "within how many whole days"),
    "make_voucher": ("makes out a voucher", "cents", "how much, in whole cents"),
    "call_back": ("has somebody call the customer", "hours", "within how many whole hours"),
    "open_case": ("hands the matter to a person", "level", "how urgent, as a whole number from 1 to 5"),
}
STRANGE_ACTIONS = ("close_account", "delete_order", "change_password", "cancel_contract")


class StructuredOutput:
    """Say in a schema what you need, let the gateway hold the model to it, and read in the records how often it failed."""

    title = "Get replies and function calls that fit a schema"
    summary = "Write the schema of a form and of two functions; the gateway checks, repairs and refuses, and you see when."
    minutes = 40
    skills: Sequence[str] = ("structured-output-and-tools",)
    milestones: Sequence[str] = ("m-llm-api", "m-agent")
    after: Sequence[str] = ("first-model-endpoint",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        queues = random.sample(sorted(QUEUES), 3)
        tickets: list[dict[str, Any]] = []
        for number in random.sample(range(1000, 10000), TICKETS):
            euros = random.randint(900, 19900) / 100
            queue = random.choice(queues)
            tickets.append({"order": f"A-{number}", "queue": queue, "euros": euros})
        mended, refused = random.sample(range(TICKETS), 2)
        fault_mended, fault_refused = random.sample(FAULTS, 2)
        actions = random.sample(sorted(ACTIONS), 2)
        kept = [t for n, t in enumerate(tickets) if n != refused]
        return {
            "queues": queues,
            "tickets": tickets,
            "mended": mended,
            "refused": refused,
            "fault_mended": fault_mended,
            "fault_refused": fault_refused,
            "strange_queue": random.choice(STRANGE_QUEUES),
            "refused_order": tickets[refused]["order"],
            "total": round(sum(t["euros"] for t in kept), 2),
            "actions": actions,
            "chosen": [random.choice(actions) for _ in tickets],
            "amounts": [random.randint(1, 5) for _ in tickets],
            "strange_action": random.choice(STRANGE_ACTIONS),
            "call_mended": random.randrange(TICKETS // 2),
            "call_refused": random.randrange(TICKETS // 2, TICKETS),
            "about_actions": "\n".join(_about(name) for name in actions),
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        # A program of the learner's, no module of this room: it uses the application.
        bench.write("desk.py", Path(__file__).with_name("_desk.py.txt").read_text(encoding="utf-8"))
        bench.write("tickets.txt", "".join(f"{_text(t)}\n" for t in draw["tickets"]))
        bench.write("schema.json", "{}\n")
        bench.write("tools.json", "[]\n")
        script = {"kind": "scripted", "options": {"scripts": {"forms": _forms(draw), "tools": _tools(draw)}}}
        bench.spec({"providers": {PROVIDER: {**script, "models": {"forms": {}, "tools": {}}}}})

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        forms, tools = (f"python labs/structured_output/desk.py {part}" for part in ("forms", "tools"))
        return (
            Point(
                "forms_valid",
                "Replies fit your schema as the model gave them",
                check=_calls("forms", "valid", TICKETS - 2, forms),
            ),
            Point(
                "forms_repaired",
                "One reply did not fit at first and was repaired",
                check=_calls("forms", "repaired", 1, forms),
            ),
            Point(
                "forms_refused",
                "One reply never fitted and was refused",
                check=_calls("forms", "refused", 1, forms),
            ),
            Point(
                "refused_order",
                "You name the order whose form was refused",
                sheet=Sheet("refused", draw["refused_order"]),
                hint="its form passes while your schema allows too much",
            ),
            Point(
                "total",
                "You know the sum of the euros in all forms that passed",
                sheet=Sheet("euros", draw["total"], within=0.005),
                hint="add up what the forms say, without the one that was refused",
            ),
            Point(
                "calls_valid",
                "Functions were called with arguments that fit",
                check=_calls("tools", "valid", TICKETS - 2, tools),
            ),
            Point(
                "calls_repaired",
                "One call had wrong arguments at first and was repaired",
                check=_calls("tools", "repaired", 1, tools),
            ),
            Point(
                "calls_refused",
                "A call of a function that does not exist was refused",
                check=_calls("tools", "refused", 1, tools),
            ),
            Point(
                "invented",
                "You name the function that the model invented",
                sheet=Sheet("invented", draw["strange_action"]),
                hint="the refusal says which function there is not",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        first, second = draw["actions"]
        return (
            "Look at a ticket and its form side by side: which rule of the form does your schema not say yet?",
            'A field takes `"type"`, words take `"enum"`, an order takes `"pattern"`; what must be there is `"required"`.',
            f'The order is `{{"type": "string", "pattern": "^A-[0-9]{{4}}$"}}`, the form that never fits is wrong in '
            f"`{draw['fault_refused']}`.",
            f'`tools.json` is a list of two: `{{"type": "function", "function": {{"name": "{first}", "parameters": …}}}}` '
            f"and the same for `{second}`; each takes `order`, a string, and a whole number (`integer`), both required.",
        )


def schema_of(draw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that says all the rules of the form."""
    return {
        "type": "object",
        "required": ["order", "queue", "euros"],
        "additionalProperties": False,
        "properties": {
            "order": {"type": "string", "pattern": "^A-[0-9]{4}$"},
            "queue": {"enum": list(draw["queues"])},
            "euros": {"type": "number"},
        },
    }


def _calls(model: str, structured: str, count: int, command: str) -> dict[str, Any]:
    what = {"valid": "fit", "repaired": "were repaired", "refused": "were refused"}[structured]
    where: dict[str, Any] = {
        "model": f"{PROVIDER}/{model}",
        "structured": structured,
        "at": {"after": "$lab.started_at"},
    }
    if model == "tools" and structured != "refused":
        where["tool_calls"] = {"at_least": 1}
    return {
        "find": "call",
        "where": where,
        "count": {"at_least": count},
        "because": f"fewer than {count} calls of `{PROVIDER}/{model}` {what}",
        "do": command,
    }


def _text(ticket: Mapping[str, Any]) -> str:
    said = QUEUES[ticket["queue"]].format(order=ticket["order"], euros=f"{ticket['euros']:.2f}")
    return f"{ticket['order']}: {said}"


def _forms(draw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the script of the model that fills in forms; a rule for what is wrong comes before that of the ticket."""
    repairs: list[dict[str, Any]] = []
    rules: list[dict[str, Any]] = []
    for n, ticket in enumerate(draw["tickets"]):
        form = dict(ticket)
        if n in (draw["mended"], draw["refused"]):
            field = draw["fault_mended"] if n == draw["mended"] else draw["fault_refused"]
            form[field] = _fault(field, ticket, draw)
            # The gateway complains about a form with lines such as `- queue: it is not one of …`.
            repairs.append({"when": f"- {field}:", "json": ticket if n == draw["mended"] else form})
        rules.append({"when": _text(ticket), "json": form})
    return {"rules": [*rules, *repairs], "replies": ["I do not know."]}


def _fault(field: str, ticket: Mapping[str, Any], draw: Mapping[str, Any]) -> Any:
    """Return a value that a field must not have."""
    if field == "order":
        return str(ticket["order"]).removeprefix("A-")
    return draw["strange_queue"] if field == "queue" else f"EUR {ticket['euros']:.2f}"


def _tools(draw: Mapping[str, Any]) -> dict[str, Any]:
    repairs: list[dict[str, Any]] = []
    rules: list[dict[str, Any]] = []
    for n, (ticket, name, amount) in enumerate(
        zip(draw["tickets"], draw["chosen"], draw["amounts"], strict=True)
    ):
        argument = ACTIONS[name][1]
        call = {"name": name, "arguments": {"order": ticket["order"], argument: amount}}
        if n == draw["call_mended"]:
            wrong = f"{amount} {argument}"
            repairs.append({"when": "it is not of type", "calls": [call]})
            call = {"name": name, "arguments": {"order": ticket["order"], argument: wrong}}
        elif n == draw["call_refused"]:
            call = {"name": draw["strange_action"], "arguments": {"order": ticket["order"]}}
            repairs.append({"when": f"`{draw['strange_action']}`", "calls": [call]})
        rules.append({"when": _text(ticket), "calls": [call]})
    return {"rules": [*rules, *repairs], "replies": ["I do not know."]}


def _about(name: str) -> str:
    does, argument, meaning = ACTIONS[name]
    return f"   - `{name}` {does}: `order` as in the form, and `{argument}`, {meaning}"


plugin = StructuredOutput
