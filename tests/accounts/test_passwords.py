"""Passwords: argon2id at the cost that OWASP names, the same work for names that are not known, rules of length alone."""

from __future__ import annotations

import threading
import unicodedata

import pytest

from groundwork.accounts.passwords import AT_ONCE, WAITING, Cost, Passwords
from groundwork.core.errors import InvalidInputError, RateLimitedError
from tests.accounts.conftest import CHEAP, SECRET


def test_a_hash_is_argon2id_at_the_cost_that_owasp_names_and_salted() -> None:
    passwords = Passwords()
    one, other = passwords.hash(SECRET), passwords.hash(SECRET)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert passwords.check(one, SECRET).right
    assert not passwords.check(one, SECRET + "!").right


def test_a_hash_of_another_cost_is_made_anew_when_its_password_is_right() -> None:
    old = Passwords(CHEAP).hash(SECRET)
    dear = Passwords(Cost(memory_kib=128, passes=2))
    found = dear.check(old, SECRET)
    assert found.right
    assert "m=128,t=2" in found.fresh
    assert dear.check(found.fresh, SECRET) == type(found)(True)
    assert dear.check(old, "wrong").fresh == ""


def test_without_a_stored_hash_the_same_work_is_done_and_the_answer_is_no(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import argon2

    asked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, stored: str, given: str) -> bool:
        asked.append(stored.rpartition("$")[0].rpartition("$")[0])
        return bool(verify(self, stored, given))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    passwords = Passwords(CHEAP)
    stored = passwords.hash(SECRET)
    assert not passwords.check("", SECRET).right
    assert not passwords.check(stored, "wrong").right
    assert len(asked) == 2
    assert asked[0] == asked[1]


@pytest.mark.parametrize("stored", ["nonsense", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_stored_hash_that_cannot_be_read_fits_no_password(stored: str) -> None:
    assert not Passwords(CHEAP).check(stored, SECRET).right


@pytest.mark.parametrize(
    "weak",
    [
        "", "short", "fourteen chars", "a" * 40, "abcabcabcabcabcabc", "123456789012345", "qwertyuiopasdfg",
        "groundworkgroundwork", "ann.example@host", "ann.example2026",
    ],
)  # fmt: skip
def test_short_and_first_guessed_passwords_are_refused_with_what_to_do(weak: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Passwords(CHEAP).refuse_weak(weak, "ann.example@host")
    assert caught.value.hint


@pytest.mark.parametrize(
    "good",
    [
        SECRET,
        "x9 y8 z7 w6 v5 u4",
        "пятнадцать букв да",
        "合言葉は毎日少しずつ変えていくよ",
        "a b" * 5 + "unlike",
    ],
)
def test_no_mixture_of_characters_is_asked_for_and_every_script_is_welcome(good: str) -> None:
    Passwords(CHEAP).refuse_weak(good, "ann")


def test_a_password_is_the_same_however_a_keyboard_composed_it() -> None:
    passwords = Passwords(CHEAP)
    written = "über den sieben Bergen"
    stored = passwords.hash(unicodedata.normalize("NFC", written))
    assert passwords.check(stored, unicodedata.normalize("NFD", written)).right


def test_a_password_without_end_is_refused_and_costs_little() -> None:
    with pytest.raises(InvalidInputError, match="longer"):
        Passwords(CHEAP).refuse_weak("abcdefgh " * 1000)
    assert not Passwords(CHEAP).check("", "x" * 10_000_000).right


def test_lone_surrogates_are_a_password_like_another() -> None:
    passwords = Passwords(CHEAP)
    assert passwords.check(passwords.hash("\ud800" * 20), "\ud800" * 20).right


def test_only_a_few_hash_at_once_few_wait_and_the_rest_is_turned_away() -> None:
    passwords = Passwords(CHEAP)
    working, go = threading.Semaphore(0), threading.Event()
    most, now, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal most, now
        with passwords._turn():
            with lock:
                now += 1
                most = max(most, now)
            working.release()
            go.wait(10)
            with lock:
                now -= 1

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE + WAITING)]
    for thread in threads:
        thread.start()
    for _ in range(AT_ONCE):
        assert working.acquire(timeout=10)
    while passwords._places._value:  # type: ignore[attr-defined]
        pass
    with pytest.raises(RateLimitedError) as caught:
        passwords.check("", "x")
    assert caught.value.details["retry_after_s"]
    go.set()
    for thread in threads:
        thread.join(10)
    assert most == AT_ONCE
    assert not passwords.check("", "x").right
