"""Tesseract as a program beside us: picture in through a pipe, text out through a pipe, memory counted with our own."""

from __future__ import annotations

import resource
import shutil
import subprocess

from groundwork.knowledge.loaders import Unreadable

OCR_S = 15.0
"""Seconds one picture may take."""
_MIB = 1 << 20
_LEAST_MIB = 192
HINT = "install tesseract (on Debian: `apt-get install tesseract-ocr`) and ingest it again"


def available() -> bool:
    """Return whether the program is installed."""
    return shutil.which("tesseract") is not None


def read_picture(picture: bytes, *, seconds: float = OCR_S) -> str:
    """Return the text in a picture (PNG, JPEG, TIFF, BMP, GIF, WebP or PNM); may be empty.

    Raises:
        Unreadable: `missing_program`, `timeout`, `memory`, or `broken` when it is no picture Tesseract can open.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise Unreadable(
            "missing_program", f"its text is in pictures, and the program `tesseract` is not here: {HINT}"
        )
    try:
        done = subprocess.run(
            [program, "stdin", "stdout", "--psm", "3"],
            input=picture,
            capture_output=True,
            timeout=seconds,
            preexec_fn=_share_memory(_memory_left_mib()),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable("timeout", f"reading the picture took longer than {seconds:g} s") from error
    if done.returncode < 0:
        raise Unreadable("memory", "reading the picture takes more memory than a document may use")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Unreadable("broken", f"the picture cannot be opened: {said[-1] if said else 'no reason given'}")
    return done.stdout.decode("utf-8", "replace")


def _memory_left_mib() -> int:
    """Return what of this process's limit it does not use itself; the program may have that, so both stay below it."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return 512
    used = 0
    try:
        with open("/proc/self/status") as stream:
            used = next(int(line.split()[1]) // 1024 for line in stream if line.startswith("VmRSS:"))
    except (OSError, StopIteration):
        used = 128
    return max(_LEAST_MIB, limit // _MIB - used)


def _share_memory(mib: int):  # type: ignore[no-untyped-def]
    def apply() -> None:
        import ctypes
        import signal
        import sys

        resource.setrlimit(resource.RLIMIT_AS, (mib * _MIB, mib * _MIB))
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)

    return apply
