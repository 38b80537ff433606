"""A Hugging Face folder that is opened in this process: weights from safetensors alone, and no code of the folder's own.

The chat template of the folder is a program in Jinja; `transformers` renders it in a sandbox without access to attributes or
modules. That sandbox is a second wall, not the first: open only folders that you would trust with the prompts they see.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.core.errors import MissingDependencyError
from groundwork.gateway import wire
from groundwork.gateway.failures import Failure
from groundwork.gateway.types import ChatRequest, ImagePart, Message

EXTRA = "pip install 'groundwork-ai[transformers]'"
_CHATS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_BROKEN = (
    "\u200b"  # put into what looks like a mark of the template, so that a text cannot speak in another role
)


@dataclass
class Weights:
    """A model with its tokenizer; opened by `opened`, used by one thread at a time."""

    model: Any
    tokenizer: Any
    context: int
    chats: bool
    marks: tuple[str, ...]

    def prompt_of(self, request: ChatRequest) -> list[int]:
        """Return the tokens of a request, by the model's own template where it has one.

        Raises:
            Failure: `unsupported`: images, several completions, or tools that the template does not know.
        """
        if request.n != 1:
            raise Failure("unsupported", f"{request.n} completions of one request; this model makes one")
        if any(isinstance(p, ImagePart) for m in request.messages for p in m.parts):
            raise Failure("unsupported", "this model reads no images")
        turns = [self._turn(m) for m in request.messages]
        wanted = request.response_format
        if wanted.kind != "text":
            form = f"; it must fit this schema: {json.dumps(dict(wanted.schema))}" if wanted.schema else ""
            turns.insert(0, {"role": "system", "content": f"Answer with JSON and nothing else{form}."})
        template = self.tokenizer.chat_template
        offered = request.tools if request.tool_choice is None or request.tool_choice.mode != "none" else ()
        if offered and "tools" not in str(template):
            raise Failure("unsupported", "the template of this model knows no tools")
        if template is None:
            text = "".join(f"{t['role']}: {t['content']}\n" for t in turns) + "assistant:"
            return [int(i) for i in self.tokenizer(text)["input_ids"]]
        tools = [
            {"type": "function",
             "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)}}
            for t in offered
        ]  # fmt: skip
        try:
            text = self.tokenizer.apply_chat_template(
                _one_system(turns), tools=tools or None, tokenize=False, add_generation_prompt=True
            )
        except Exception as error:  # whatever a template raises
            raise Failure(
                "bad_request", f"the template of this model refuses the conversation ({type(error).__name__})"
            ) from None
        return [int(i) for i in self.tokenizer(text, add_special_tokens=False)["input_ids"]]

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without marks of the template."""
        return str(
            self.tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def vector_of(self, text: str) -> list[float]:
        """Return the mean over the tokens of the last layer, of unit length.

        Raises:
            Failure: `context_length`.
        """
        import torch

        tokens = list(self.tokenizer(self._plain(text))["input_ids"]) or [self._filler()]
        if len(tokens) > self.context:
            raise Failure("context_length", f"a text of {len(tokens)} tokens; the model reads {self.context}")
        with torch.inference_mode():
            given = torch.tensor([tokens], device=self.model.device)
            states = self.model.base_model(input_ids=given).last_hidden_state[0].float()
            vector = torch.nn.functional.normalize(states.mean(0), dim=0)
        numbers = [float(x) for x in vector.cpu()]
        return (
            numbers if any(numbers) else [1.0, *numbers[1:]]
        )  # the embedding of a filler may be 0 throughout

    def count(self, text: str) -> int:
        """Return the tokens of a text."""
        return len(self.tokenizer(self._plain(text))["input_ids"])

    def generate(
        self,
        tokens: list[int],
        most: int,
        request: ChatRequest,
        told: Callable[[int], None],
        stopped: threading.Event,
    ) -> None:
        """Generate, telling each token as it comes, until the model ends, `most` tokens are there, or `stopped` is set."""
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        class Stop(StoppingCriteria):  # type: ignore[misc]
            def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
                return torch.full((input_ids.shape[0],), stopped.is_set(), device=input_ids.device)

        class Streamer:
            """Gets the prompt first and then every token."""

            def __init__(self) -> None:
                self.begun = False

            def put(self, value: Any) -> None:
                if self.begun:
                    for token in value.flatten().tolist():
                        told(int(token))
                self.begun = True

            def end(self) -> None:
                return

        if request.seed is not None:
            torch.manual_seed(request.seed)
        given = torch.tensor([tokens], device=self.model.device)
        with torch.inference_mode():
            self.model.generate(
                input_ids=given,
                attention_mask=torch.ones_like(given),
                max_new_tokens=most,
                streamer=Streamer(),
                stopping_criteria=StoppingCriteriaList([Stop()]),
                pad_token_id=self._filler(),
                **_sampling(request),
            )

    def ends(self, token: int) -> bool:
        """Return whether a token ends the model's turn."""
        said = self.model.generation_config.eos_token_id
        known = said if isinstance(said, list) else [said]
        return token in known or token == self.tokenizer.eos_token_id

    def _filler(self) -> int:
        for token in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, self.tokenizer.bos_token_id):
            if isinstance(token, int):
                return token
        return 0

    def _turn(self, message: Message) -> dict[str, Any]:
        turn: dict[str, Any] = {"role": message.role, "content": self._plain(message.text)}
        if message.tool_calls:
            turn["tool_calls"] = [
                {"type": "function", "function": {"name": c.name, "arguments": _loaded(c.arguments)}}
                for c in message.tool_calls
            ]
        return turn

    def _plain(self, text: str) -> str:
        """Return the text with marks of the template broken, so that none of it is read as one."""
        text = wire.clean(text)
        for mark in self.marks:
            if mark in text:
                text = text.replace(mark, f"{mark[0]}{_BROKEN}{mark[1:]}")
        return text


@dataclass
class Folder:
    """Opens its weights once, with the first call that needs them."""

    path: Path
    device: str
    dtype: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _weights: Weights | None = None

    def opened(self) -> Weights:
        """Return the weights.

        Raises:
            Failure: `unsupported`: the libraries are not installed, or the folder holds no model that may be opened.
        """
        with self._lock:
            if self._weights is None:
                self._weights = _open(self.path, self.device, self.dtype)
            return self._weights


def _open(path: Path, device: str, dtype: str) -> Weights:
    config = _config(path)
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        missing = MissingDependencyError(
            f"local models need the library `{error.name}`, which is not installed",
            hint=f"install it: `{EXTRA}`",
        )
        raise Failure("unsupported", f"{missing.message}; {missing.hint}") from missing
    chats = any(str(a).endswith(_CHATS) for a in config.get("architectures") or ())
    kind = transformers.AutoModelForCausalLM if chats else transformers.AutoModel
    alone = {"trust_remote_code": False, "local_files_only": True}
    transformers.utils.logging.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(path), **alone)
        model = kind.from_pretrained(str(path), use_safetensors=True, dtype=dtype, **alone)
    except Exception as error:
        raise Failure(
            "unsupported", f"the folder {path} cannot be opened ({type(error).__name__})"
        ) from error
    model = model.to(device or _best_device(torch)).eval()
    marks = {str(t.content) for t in getattr(tokenizer, "added_tokens_decoder", {}).values() if t.special}
    marks |= set(tokenizer.all_special_tokens)
    context = next(
        (n for n in (config.get("max_position_embeddings"), config.get("n_positions")) if isinstance(n, int)),
        2048,
    )
    limit = tokenizer.model_max_length
    context = min(context, limit) if isinstance(limit, int) and 0 < limit < 10**7 else context
    return Weights(
        model, tokenizer, context, chats, tuple(m for m in sorted(marks, key=len, reverse=True) if len(m) > 2)
    )


def _config(path: Path) -> Mapping[str, Any]:
    """Return the folder's `config.json`, after a look at what else lies there."""
    if not path.is_dir():
        raise Failure("unsupported", f"there is no folder {path}; `options.path` names one")
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Failure("unsupported", f"the folder {path} has no config.json that can be read") from None
    if not isinstance(config, dict):
        raise Failure("unsupported", f"the config.json of {path} is no object")
    if not any(path.glob("*.safetensors")):
        raise Failure(
            "unsupported",
            f"the folder {path} holds no safetensors file; weights in other formats can run code and are refused",
        )
    if "auto_map" in config or (path / "adapter_config.json").exists():
        raise Failure(
            "unsupported", f"the folder {path} asks for code or weights from elsewhere, which is refused"
        )
    return config


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _sampling(request: ChatRequest) -> dict[str, Any]:
    if request.temperature is None and request.top_p is None:
        return {}
    if request.temperature == 0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    chosen: dict[str, Any] = {"do_sample": True}
    if request.temperature is not None:
        chosen["temperature"] = request.temperature
    if request.top_p is not None:
        chosen["top_p"] = request.top_p
    return chosen


def _one_system(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the turns with all system messages as one at the beginning, which is where templates look for it."""
    system = "\n\n".join(t["content"] for t in turns if t["role"] == "system" and t["content"])
    rest = [t for t in turns if t["role"] != "system"]
    return [{"role": "system", "content": system}, *rest] if system else rest


def _loaded(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
