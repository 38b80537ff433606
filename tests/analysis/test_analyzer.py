"""The analyzer gives documents and questions the same terms, in any script."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.knowledge.analysis import Analyzer
from groundwork.knowledge.analysis.language import english_share
from groundwork.knowledge.analysis.stem import stem

ANALYZER = Analyzer()
TEXTS = st.text() | st.lists(
    st.sampled_from(
        [
            "Größe ",
            "getUserName(",
            "v1.2.3 ",
            "10,000 ",
            "我喜欢",
            "ภาษาไทย",
            "한국어 ",
            "وَالمَدْرَسَة ",
            "\u200d",
            "ı",
            "__",
            "İ",
        ]
    )
).map("".join)


def shared(first: str, second: str) -> set[str]:
    return set(ANALYZER.terms(first)) & set(ANALYZER.terms(second))


@settings(deadline=None)
@given(TEXTS)
def test_no_term_is_empty_or_holds_a_blank(text: str) -> None:
    assert all(term and not any(c.isspace() for c in term) for term in ANALYZER.terms(text))


@settings(deadline=None)
@given(TEXTS)
def test_equal_texts_give_equal_terms_whatever_was_analyzed_before(text: str) -> None:
    assert Analyzer().terms(text) == ANALYZER.terms(text)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_texts_on_separate_lines_do_not_touch_each_other(first: str, second: str) -> None:
    assert ANALYZER.terms(f"{first}\n{second}") == ANALYZER.terms(first) + ANALYZER.terms(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("running", "runs"),
        ("Frauen", "Frau"),
        ("Straße", "STRASSE"),
        ("naïve", "naive"),
        ("ciudades", "ciudad"),
        ("города", "городов"),
        ("المدرسة", "مدرسه"),
        ("وَالمَدْرَسَة", "مدرسة"),
        ("ﬁnal", "final"),
        ("ＡＢＣ", "abc"),
        ("ёлка", "елка"),
        ("getUserName", "user_name"),
        ("HTTPServer2", "http server"),
        ("Python 3.11.2", "3.11"),
        ("v1.2.3", "1.2.3"),
        ("10,000", "10000"),
        ("C++", "c++ templates"),
        ("北京大学", "大学"),
        ("東京都に行きました", "東京"),
        ("ภาษาไทยน่าสนใจ", "ภาษาไทย"),
        ("한국어를", "한국어"),
        ("भाषाओं", "भाषाओं"),
    ],
)
def test_spellings_and_forms_of_a_word_meet(one: str, other: str) -> None:
    assert shared(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("C++", "C#"), ("3.11", "3.12"), ("北京", "南方")],
)
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert not shared(one, other)


def test_an_identifier_is_kept_whole_and_in_parts() -> None:
    assert ANALYZER.terms("SIGNALS_PTR") == ["signals_ptr", "signal", "ptr"]
    assert ANALYZER.terms("parseHTTPLine") == ["parsehttpline", "pars", "http", "line"]
    assert ANALYZER.terms("[1,2,3]") == ["1", "2", "3"]


def test_english_words_that_say_nothing_are_left_out_unless_asked_for() -> None:
    assert ANALYZER.terms("What is the answer?") == ["answer"]
    assert "the" in Analyzer(stop_words=False).terms("What is the answer?")


def test_parameters_change_the_fingerprint() -> None:
    prints = {
        Analyzer(stemming=a, stop_words=b, identifiers=c).fingerprint
        for a in (0, 1)
        for b in (0, 1)
        for c in (0, 1)
    }
    assert len(prints) == 8


@pytest.mark.parametrize("word", ["a", "s", "es", "ئ", "و", "ال", "ä", "ß", "я", "१"])
def test_short_words_survive_stemming(word: str) -> None:
    assert stem(word)


def test_a_megabyte_takes_time_in_proportion() -> None:
    text = "The structural response of thin_walled panels under aeroelastic loading was measured. " * 12_000
    ANALYZER.terms(text[:1000])
    begun = time.thread_time()
    ANALYZER.terms(text)
    # 5 MB/s on a quiet core; a shared one may be several times slower, a quadratic step a thousand times.
    assert time.thread_time() - begun < len(text) / 5e6 * 10


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("what similarity laws must be obeyed", 1, 1),
        ("transonic flutter", 1, 1),
        ("def parse(line): return line.split()", 1, 1),
        ("Welchem Standard entspricht die Auflösung der Sendungen von BSkyB?", 0, 0.5),
        ("¿Cuál es la capital de la provincia?", 0, 0.5),
        ("Какой город является столицей?", 0, 0.05),
        ("委员会批准了什么？", 0, 0.05),
        ("", 1, 1),
        ("42", 1, 1),
    ],
)
def test_the_share_of_english_follows_script_and_small_words(text: str, low: float, high: float) -> None:
    assert low <= english_share(text) <= high
