"""Where the records behind a number are: addresses in the console under a base, else the ids alone."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlencode


@dataclass(frozen=True)
class Links:
    """Addresses of records.

    Args:
        base: of the console, such as `https://groundwork.example.com`; `/` for addresses within it; empty: no links.
    """

    base: str = ""

    def evaluation(self, identifier: str) -> str:
        return self._at(f"evaluations/{quote(identifier)}")

    def example(self, evaluation: str, example: str) -> str:
        return self._at(f"evaluations/{quote(evaluation)}/examples/{quote(example, safe='')}")

    def verdict(self, identifier: str) -> str:
        return self._at(f"gates/verdicts/{quote(identifier)}")

    def dataset(self, ref: str) -> str:
        return self._at(f"datasets/{quote(ref, safe='@')}")

    def compare(self, a: str, b: str, metric: str = "") -> str:
        query = {"a": a, "b": b, **({"metric": metric} if metric else {})}
        return self._at(f"compare?{urlencode(query)}")

    def _at(self, path: str) -> str:
        return f"{self.base.rstrip('/')}/{path}" if self.base else ""


def anchor(address: str, text: str) -> str:
    """Return a link in HTML, or the text alone where there is no address."""
    shown = f"<code>{escape(text)}</code>"
    return f'<a href="{escape(address)}">{shown}</a>' if address else shown


def marked(address: str, text: str) -> str:
    """Return a link in Markdown, or the text alone where there is no address."""
    return f"[`{text}`]({address})" if address else f"`{text}`"
