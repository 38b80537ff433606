"""The sandbox: order, reuse, limits, and what remains of it when something dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InternalError, InvalidInputError
from groundwork.knowledge.parsing import Limits, Parser, Quarantine
from groundwork.knowledge.types import Parsed
from groundwork.testing.loader import check_outcome

HOSTILE = """
import os, signal, time
from groundwork.knowledge.loaders import LOADERS
from groundwork.knowledge.types import Parsed

class Hostile:
    version = 1
    media_types = ("application/x-hostile",)
    def load(self, data, name):
        word = data.decode()
        if word == "sleep": time.sleep(60)
        if word == "spin":
            while True: pass
        if word == "crash": os.kill(os.getpid(), signal.SIGSEGV)
        if word == "exit": os._exit(3)
        if word == "eat":
            hoard = []
            while True: hoard.append(bytearray(1 << 20))
        if word == "print": print("noise" * 1000, flush=True)
        if word == "connect":
            import socket; socket.create_connection(("127.0.0.1", 9), 1)
        if word == "write": open("/tmp/groundwork-hostile", "w").write("x")
        if word == "run": os.system("true")
        if word == "look": return Parsed(repr((os.listdir("."), sorted(os.environ))))
        if word == "flood": return Parsed("x" * (200 << 20))
        if word == "lie": return Parsed("x", marks=(__import__("groundwork").knowledge.types.Mark("page", 0, 99),))
        return Parsed(word)

plugin = Hostile
"""


@pytest.fixture(scope="module")
def hostile_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install a loader that does whatever its document says, as an outside package would be installed."""
    home = tmp_path_factory.mktemp("site")
    (home / "hostile_loader.py").write_text(HOSTILE)
    facts = home / "hostile_loader-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile-loader\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[groundwork.loader]\nhostile = hostile_loader:Hostile\n")
    sys.path.insert(0, str(home))
    yield
    sys.path.remove(str(home))


@pytest.fixture(scope="module")
def parser(hostile_plugin: None) -> Iterator[Parser]:
    with Parser(1, Limits(wall_s=2.0, memory_mib=400)) as parser:
        yield parser


def obey(parser: Parser, word: str) -> Parsed | Quarantine:
    return parser.parse(word.encode(), "a", "application/x-hostile")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("sleep", "timeout"),
        ("spin", "timeout"),
        ("crash", "crashed"),
        ("exit", "crashed"),
        ("eat", "memory"),
        ("connect", "unreadable"),
        ("write", "unreadable"),
        ("run", "unreadable"),
        ("flood", "too_large"),
    ],
)
def test_what_a_document_does_to_its_reader_is_told_and_the_next_one_is_read(
    parser: Parser, word: str, reason: str
) -> None:
    outcome = obey(parser, word)
    assert isinstance(outcome, Quarantine)
    assert outcome.reason == reason, outcome
    assert obey(parser, "fine") == Parsed("fine")


def test_time_is_up_when_it_is_up(parser: Parser) -> None:
    started = time.monotonic()
    outcome = obey(parser, "sleep")
    assert time.monotonic() - started < 4
    assert outcome == Quarantine("timeout", "reading it took longer than 2 s")


def test_processor_time_is_limited_even_where_the_clock_is_patient(hostile_plugin: None) -> None:
    with Parser(1, Limits(wall_s=30, cpu_s=1)) as parser:
        outcome = obey(parser, "spin")
    assert outcome == Quarantine("timeout", "reading it took more than 1 s of processor time")


def test_what_a_library_prints_gets_nowhere(parser: Parser) -> None:
    assert obey(parser, "print") == Parsed("print")


def test_the_child_stands_in_an_empty_directory_and_knows_nothing_of_its_surroundings(parser: Parser) -> None:
    os.environ["A_SECRET_OF_THE_PARENT"] = "x"
    outcome = obey(parser, "look")
    assert isinstance(outcome, Parsed)
    assert outcome.text.startswith("([], ")
    assert "A_SECRET_OF_THE_PARENT" not in outcome.text
    assert "HOME" not in outcome.text


def test_marks_outside_the_text_are_not_believed(parser: Parser) -> None:
    outcome = obey(parser, "lie")
    assert isinstance(outcome, Quarantine)
    assert outcome.reason == "crashed"


def test_memory_is_measured_and_stays_below_the_limit(parser: Parser) -> None:
    measured = parser.measure(b"eat", "a", "application/x-hostile")
    assert 100 < measured.rss_mib <= 400


def test_outcomes_come_in_the_order_of_the_documents(hostile_plugin: None) -> None:
    words = ["crash" if n % 10 == 7 else f"document {n}" for n in range(30)]
    with Parser(2, Limits(documents=20)) as parser:
        documents = ((n, word.encode(), f"{n}.txt", "application/x-hostile") for n, word in enumerate(words))
        outcomes = list(parser.parse_many(documents))
    assert [key for key, _ in outcomes] == list(range(30))
    for word, (_, outcome) in zip(words, outcomes, strict=True):
        assert (
            (isinstance(outcome, Quarantine) and outcome.reason == "crashed")
            if word == "crash"
            else outcome == Parsed(word)
        )


def test_documents_are_taken_only_a_few_ahead() -> None:
    taken = []

    def documents() -> Iterator[tuple[int, bytes, str, None]]:
        for n in range(100):
            taken.append(n)
            yield n, b"words", "a.txt", None

    with Parser(2) as parser:
        outcomes = parser.parse_many(documents())
        for _ in range(3):
            next(outcomes)
        assert len(taken) <= 3 + 4 * 2
        outcomes.close()  # type: ignore[attr-defined]


def test_children_are_reused_and_replaced_after_their_number_of_documents() -> None:
    others = set(children_of(os.getpid()))
    with Parser(1, Limits(documents=3)) as parser:
        seen = []
        for n in range(7):
            parser.parse(b"words", f"{n}.txt")
            seen.append(frozenset(children_of(os.getpid())))
    assert len({pid for pids in seen for pid in pids} - others) == 3


def test_a_parser_serves_many_threads() -> None:
    outcomes: dict[int, object] = {}
    with Parser(2) as parser:

        def ask(n: int) -> None:
            outcomes[n] = parser.parse(f"number {n}".encode(), "a.txt")

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == {n: Parsed(f"number {n}") for n in range(16)}


def test_files_that_cannot_be_opened_are_quarantined(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    big = tmp_path / "big.txt"
    big.write_bytes(b"x" * 2000)
    with Parser(1, Limits(max_bytes=1000)) as parser:
        reasons = [parser.parse(p, p.name) for p in (tmp_path / "none", tmp_path, pipe, big)]
    assert [q.reason for q in reasons if isinstance(q, Quarantine)] == [
        "unreadable",
        "unreadable",
        "unreadable",
        "too_large",
    ]


def test_a_closed_parser_says_so() -> None:
    parser = Parser(1)
    parser.close()
    with pytest.raises(InvalidInputError, match="closed"):
        parser.parse(b"x", "a.txt")


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/python"])
def test_a_child_that_does_not_start_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with Parser(1) as parser, pytest.raises(InternalError, match="does not start"):
        parser.parse(b"x", "a.txt")


def test_a_limit_on_memory_that_is_too_small_ends_in_quarantine() -> None:
    with Parser(1, Limits(memory_mib=8)) as parser:
        outcome = parser.parse(b"x" * (32 << 20), "a.txt")
    assert isinstance(outcome, Quarantine)
    assert outcome.reason == "memory"


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's parent-death signal")
def test_no_child_outlives_a_parent_that_is_killed(hostile_plugin: None) -> None:
    script = textwrap.dedent("""
        import sys, threading
        from groundwork.knowledge.parsing import Limits, Parser
        parser = Parser(2, Limits())
        def ask(word): parser.parse(word, "a", "application/x-hostile")
        for word in (b"spin", b"sleep"):
            threading.Thread(target=ask, args=(word,)).start()
        print("started", flush=True)
    """)
    path = os.pathsep.join(p for p in sys.path if p)
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    deadline = time.monotonic() + 20
    while len(working := children_of(parent.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(working) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    while any(is_alive(pid) for pid in working) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in working)


def test_closing_leaves_no_child_behind() -> None:
    others = set(
        children_of(os.getpid())
    )  # this process may have a database server and other parsers running
    with Parser(2) as parser:
        list(parser.parse_many((n, b"x", "a.txt", None) for n in range(8)))
        working = set(children_of(os.getpid())) - others
        assert working
    assert not any(is_alive(pid) for pid in working)


@pytest.fixture(scope="module")
def plain_parser() -> Iterator[Parser]:
    with Parser(2) as parser:
        yield parser


ENDINGS = [
    "md",
    "rst",
    "html",
    "txt",
    "pdf",
    "docx",
    "pptx",
    "xlsx",
    "csv",
    "tsv",
    "json",
    "jsonl",
    "ipynb",
    "eml",
    "msg",
    "epub",
    "odt",
    "ods",
    "rtf",
    "xml",
    "py",
    "doc",
]
MAGIC = [
    b"",
    b"PK\x03\x04",
    b"%PDF-1.7\n",
    b"{\\rtf1",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"<?xml version='1.0'?>",
]


@given(st.sampled_from(MAGIC), st.binary(max_size=400), st.sampled_from(ENDINGS))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_under_any_name_are_read_or_refused(
    plain_parser: Parser, magic: bytes, noise: bytes, ending: str
) -> None:
    check_outcome(plain_parser.parse(magic + noise, f"a.{ending}"))


@given(st.text(max_size=300), st.sampled_from(ENDINGS))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_text_under_any_name_is_read_or_refused(plain_parser: Parser, words: str, ending: str) -> None:
    check_outcome(plain_parser.parse(words.encode("utf-8", "surrogatepass"), f"a.{ending}"))


def children_of(parent: int) -> list[int]:
    """Return the parsing processes that `parent` started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                facts = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                command = (entry / "cmdline").read_bytes()
            except (OSError, IndexError):
                continue
            if int(facts[1]) == parent and facts[0] != "Z" and b"parsing.worker" in command:
                found.append(int(entry.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
