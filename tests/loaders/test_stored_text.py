"""Laws of stored text: what the normaliser leaves, and that marks stay exact while a document is built."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._text import TextBuilder, normalise, pipe_table, primary_subtag
from groundwork.testing.loader import check_parsed

_ODD = [
    "\r\n",
    "\r",
    "\x00",
    "\ud800",
    "\udc00",
    "\u200b",
    "\u200d",
    "\u200c",
    "\u202e",
    "\ufeff",
    "e\u0301",
    "\u00a0",
]
_ODD += [
    "\n\n\n\n",
    "  \n",
    "\t",
    "\x85",
    "\u2028",
    "👩\u200d👧",
    "ن\u200cم",
    "क\u094d\u200dष",
    "\u1100\u1161",
    "a\u0323\u0307",
]
texts = st.lists(st.sampled_from(_ODD) | st.text(max_size=6), max_size=30).map("".join)


@given(texts)
@settings(max_examples=300)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(texts)
@settings(max_examples=300)
def test_normalised_text_holds_nothing_that_may_not_be_stored(text: str) -> None:
    clean = normalise(text)
    assert unicodedata.is_normalized("NFC", clean)
    assert "\n\n\n\n" not in clean
    assert not any(line != line.rstrip() for line in clean.split("\n"))
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in clean)
    assert not set(clean) & set("\u200b\u202a\u202e\u2066\ufeff\u00ad")


@pytest.mark.parametrize("text", ["👩\u200d👩\u200d👧", "می\u200cخواهم", "क्\u200dष"])
def test_joiners_stay_where_a_script_needs_them(text: str) -> None:
    assert normalise(text) == text


def test_joiners_between_latin_letters_go() -> None:
    assert normalise("pass\u200dwo\u200crd") == "password"


def test_a_pair_of_surrogates_is_its_character_and_a_lone_one_is_a_replacement() -> None:
    assert normalise("\ud83d\ude00 \ud83d") == "😀 \ufffd"


blocks = st.lists(
    st.tuples(st.sampled_from(["add", "heading", "list", "code", "page"]), texts, st.integers(1, 3)),
    max_size=12,
)


@given(blocks)
@settings(max_examples=200)
def test_marks_cover_exactly_what_was_appended_inside_them(parts: list[tuple[str, str, int]]) -> None:
    out = TextBuilder()
    for kind, text, number in parts:
        if kind == "add":
            out.add(text, gap=number)
        elif kind == "heading":
            out.heading(text, number)
        elif kind == "page":
            with out.mark("page", str(number)):
                out.add(text)
                out.block("code", text)
        else:
            out.block("list" if kind == "list" else "code", text)
    document = out.build()
    check_parsed(document)
    assert normalise(document.text) == document.text
    for mark in document.marks:
        piece = document.text[mark.start : mark.end]
        assert piece == piece.strip("\n")
        if mark.kind == "heading":
            assert piece == mark.label


def test_marks_of_an_embedded_document_move_with_its_text() -> None:
    inner = TextBuilder()
    inner.add("before")
    inner.heading("Inner", 2)
    out = TextBuilder()
    out.add("outer")
    with out.mark("attachment", "a.txt"):
        out.embed(inner.build())
    document = out.build()
    assert [(m.kind, document.text[m.start : m.end]) for m in document.marks] == [
        ("attachment", "before\n\nInner"),
        ("heading", "Inner"),
    ]


def test_text_beyond_the_limit_is_cut_and_said() -> None:
    out = TextBuilder(limit=10)
    out.add("0123456789abc")
    out.heading("never", 1)
    document = out.build()
    assert document.text == "0123456789"
    assert document.warnings == ("the text was cut after 10 characters",)
    assert document.marks == ()


def test_a_table_keeps_its_header_row_and_escapes_bars() -> None:
    assert pipe_table([["a", "", "b"], ["1|2", "", "x\ny"]]) == "| a | b |\n| --- | --- |\n| 1\\|2 | x y |"


@pytest.mark.parametrize(
    ("tag", "subtag"), [("de-AT", "de"), ("EN_us", "en"), ("", ""), ("english", ""), ("zh-Hant", "zh")]
)
def test_a_language_is_its_primary_subtag(tag: str, subtag: str) -> None:
    assert primary_subtag(tag) == subtag


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "Grüße, Привет, 你好"),
        ("utf-8-sig", "Grüße"),
        ("utf-16", "Grüße aus Köln"),
        ("utf-16-le", "Plain words without a mark"),
        ("utf-16-be", "Plain words without a mark"),
        ("utf-16-le", "שלום עולם, hello world, שלום"),
        ("utf-32", "Grüße"),
        ("utf-32-le", "Plain words without a mark"),
        ("cp1252", "Die Straße über die Brücke führt “geradeaus” in die Stadt – schön."),
        (
            "koi8-r",
            "Съешь же ещё этих мягких французских булок, да выпей чаю. Широкая электрификация южных губерний.",
        ),
        ("cp1251", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
        ("cp1255", "שלום לכולם, זהו טקסט בעברית שנכתב לבדיקה"),
        ("cp1253", "Η γρήγορη καφετιά αλεπού πηδάει πάνω από το σκυλί"),
        ("cp1256", "مرحبا بالعالم هذا نص عربي للاختبار"),
        ("euc_kr", "안녕하세요 이것은 한국어 문장입니다"),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
        ("cp1252", "Déjà vu: l’été où j’étais à la forêt — “ça va”, dit-il."),
        ("shift_jis", "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"),
        ("gb18030", "红军不怕远征难，万水千山只等闲。五岭逶迤腾细浪，乌蒙磅礴走泥丸。"),
    ],
    ids=lambda value: value if value.isascii() and " " not in value else "",
)
def test_text_is_read_in_the_encoding_it_was_written_in(encoding: str, words: str) -> None:
    assert decode(words.encode(encoding)).text == words


def test_a_few_bad_bytes_do_not_change_the_encoding_and_are_said() -> None:
    data = ("größer und schöner, überall " * 20).encode() + b"\xff"
    decoded = decode(data)
    assert decoded.text.startswith("größer und schöner")
    assert decoded.warnings == ("1 characters could not be read as utf-8 and stand as U+FFFD",)


@pytest.mark.parametrize("declared", ["hex", "rot13", "no-such-thing", "idna", "", "UTF-8"])
def test_a_declared_encoding_that_is_none_is_not_believed(declared: str) -> None:
    assert decode("Grüße".encode(), declared).text == "Grüße"
