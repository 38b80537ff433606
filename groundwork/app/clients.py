"""How other programs are pointed at this gateway: the same few lines on the terminal, on the page and over HTTP."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

NO_KEY = "no-key-needed"
"""What stands where a client insists on a key and the gateway asks for none."""


@dataclass(frozen=True)
class Snippet:
    """A ready-to-paste example; `slug` names it, `title` says for which client it is."""

    slug: str
    title: str
    language: Literal["bash", "python", "javascript", "text"]
    text: str


def base_url(origin: str) -> str:
    """Return what OpenAI clients call `base_url`; Anthropic clients take the origin itself."""
    return f"{origin.rstrip('/')}/v1"


def address(workspace: Workspace) -> str:
    """Return where the server of this workspace answers: where one says it does, else as the settings say."""
    try:
        held = json.loads((workspace.root / ".groundwork" / "server.lock").read_text("utf-8"))
        os.kill(
            int(held["pid"]), 0
        )  # asks whether the process is there; one that was killed left its address behind
        noted = held["url"]
    except PermissionError:
        noted = held["url"]
    except (OSError, ValueError, KeyError, TypeError):
        noted = ""
    host, port = workspace.settings.host, workspace.settings.port
    return str(noted) or f"http://{f'[{host}]' if ':' in host else host}:{port or 8700}"


def snippets(origin: str, model: str, key: str = "") -> list[Snippet]:
    """Return one example per client; without a key they say that none is needed."""
    v1, secret = base_url(origin), key or NO_KEY
    return [
        Snippet("curl", "curl", "bash", _curl(v1, model, key)),
        Snippet("openai", "OpenAI SDK for Python", "python", _openai(v1, model, secret)),
        Snippet("anthropic", "Anthropic SDK for Python", "python", _anthropic(origin, model, secret)),
        Snippet("javascript", "OpenAI SDK for JavaScript", "javascript", _javascript(v1, model, secret)),
        Snippet("langchain", "LangChain", "python", _langchain(v1, model, secret)),
        Snippet("open-webui", "Open WebUI", "bash", _open_webui(v1, secret)),
        Snippet("environment", "Editors and other tools", "bash", _environment(origin, v1, secret)),
    ]


def _curl(v1: str, model: str, key: str) -> str:
    header = f'  -H "Authorization: Bearer {key}" \\\n' if key else ""
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return f"curl {v1}/chat/completions \\\n{header}  -H \"Content-Type: application/json\" \\\n  -d '{body}'"


def _openai(v1: str, model: str, key: str) -> str:
    return (
        "from openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{v1}", api_key="{key}")\n'
        f'reply = client.chat.completions.create(model="{model}", '
        'messages=[{"role": "user", "content": "Hello"}])\n'
        "print(reply.choices[0].message.content)"
    )


def _anthropic(origin: str, model: str, key: str) -> str:
    return (
        "from anthropic import Anthropic\n\n"
        f'client = Anthropic(base_url="{origin}", api_key="{key}")\n'
        f'reply = client.messages.create(model="{model}", max_tokens=500, '
        'messages=[{"role": "user", "content": "Hello"}])\n'
        "print(reply.content[0].text)"
    )


def _javascript(v1: str, model: str, key: str) -> str:
    return (
        'import OpenAI from "openai";\n\n'
        f'const client = new OpenAI({{ baseURL: "{v1}", apiKey: "{key}" }});\n'
        "const reply = await client.chat.completions.create({\n"
        f'  model: "{model}", messages: [{{ role: "user", content: "Hello" }}],\n'
        "});\n"
        "console.log(reply.choices[0].message.content);"
    )


def _langchain(v1: str, model: str, key: str) -> str:
    return (
        "from langchain_openai import ChatOpenAI\n\n"
        f'model = ChatOpenAI(base_url="{v1}", api_key="{key}", model="{model}")\n'
        'print(model.invoke("Hello").content)'
    )


def _open_webui(v1: str, key: str) -> str:
    return f'export OPENAI_API_BASE_URL="{v1}"\nexport OPENAI_API_KEY="{key}"\nopen-webui serve'


def _environment(origin: str, v1: str, key: str) -> str:
    return (
        f'export OPENAI_BASE_URL="{v1}"\nexport OPENAI_API_KEY="{key}"\n'
        f'export ANTHROPIC_BASE_URL="{origin}"\nexport ANTHROPIC_API_KEY="{key}"'
    )
