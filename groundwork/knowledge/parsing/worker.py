"""The child process: reads documents one after the other under limits and answers each. Started by `sandbox` alone."""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import zipfile
import zlib
from typing import Any

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.parsing import confine, frames
from groundwork.knowledge.parsing.dispatch import read
from groundwork.knowledge.parsing.outcome import Limits
from groundwork.knowledge.parsing.sniff import media_type

_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, UnicodeError)


def main() -> None:
    """Serve until the parent closes the pipe, dies, or memory runs out."""
    confine.die_with(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits = Limits(**json.loads(sys.argv[2]))
    source = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)  # what a library prints must not get among the answers
    cut_off = confine.confine(limits)
    answers.write(
        frames.pack({"ready": True, "network_namespace": cut_off, "max_rss_mib": confine.max_rss_mib()})
    )
    answers.flush()
    while (frame := frames.read_frame(source)) is not None:
        facts, data = frame
        del frame
        reply, healthy = answer(facts, data, limits)
        del data
        answers.write(reply)
        answers.flush()
        if not healthy:
            return


def answer(facts: dict[str, Any], data: bytes, limits: Limits) -> tuple[bytes, bool]:
    """Return the reply frame for one document, and whether this process is fit for another."""
    confine.start_counting()
    confine.allow_cpu(limits.cpu_s)
    name, kind = str(facts["name"]), str(facts.get("media_type") or "")
    try:
        kind = kind or media_type(data, name)
        document = read(data, name, kind)
        return frames.pack_parsed(document, _measured(kind)), True
    except Unreadable as error:
        reason, message, healthy = error.reason, str(error), True
    except MemoryError:
        reason, healthy = "memory", False
        message = f"reading it takes more than {limits.memory_mib} MiB of memory"
    except RecursionError:
        reason, message, healthy = "hostile", "it is nested too deeply to be read", True
    except _BROKEN as error:
        reason, message, healthy = "broken", f"it is damaged: {_said(error)}", True
    except Exception as error:
        reason, message, healthy = "unreadable", f"its {kind} cannot be read: {_said(error)}", True
    return frames.pack({**_measured(kind), "reason": reason, "message": message}), healthy


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


def _measured(kind: str) -> dict[str, Any]:
    return {"media_type": kind, "peak_mib": confine.peak_rss_mib(), "rss_mib": confine.rss_mib()}


if __name__ == "__main__":
    main()
