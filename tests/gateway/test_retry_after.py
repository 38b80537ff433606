"""How long a provider asks to wait, in every form that is sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.gateway.retry_after import retry_after_s

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "1000000000"}, 1e9),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry-after": "Friday, 20-Nov-26 12:01:00 GMT"}, 60),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "2026-11-20T12:00:30Z"}, 30),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "Fri, 99 Nov 2026 12:01:00 GMT"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "-1"}, 0),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW.timestamp() + 30)}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str((NOW.timestamp() + 30) * 1000)}, 30),
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-11-20T12:00:09Z"}, 9),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s",
          "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9s"}, 9),
    ],
)  # fmt: skip
def test_each_form_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    said = retry_after_s(headers, NOW)
    assert said == (None if seconds is None else pytest.approx(seconds, abs=1e-3))


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.one_of(
            st.text(max_size=30), st.from_regex(r"-?[0-9TZ:GMT, .]{1,30}", fullmatch=True), st.just("0")
        ),
    )
)
def test_whatever_is_sent_gives_seconds_or_nothing(headers: dict[str, str]) -> None:
    said = retry_after_s(headers, NOW)
    assert said is None or 0 <= said < float("inf")
