"""What every importer of traces must do: know its own records alone, give equal ids, and refuse with a reason."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.importing import Importer
from groundwork.testing.convention import values


class ImporterContract:
    """Subclass it beside fixtures `importer` and `record`, one that it reads."""

    def test_it_knows_its_own_record_and_no_empty_one(
        self, importer: Importer, record: Mapping[str, Any]
    ) -> None:
        assert importer.recognises(record)
        assert not importer.recognises({})
        assert not importer.recognises({"hello": "world"})

    def test_equal_records_give_equal_spans_with_valid_ids(
        self, importer: Importer, record: Mapping[str, Any]
    ) -> None:
        first, second = ([*importer.spans(deepcopy(record))] for _ in range(2))
        assert first == second
        assert first
        for span in first:
            assert len(span.trace_id) == 32
            assert len(span.span_id) == 16
            assert set(span.trace_id + span.span_id + span.parent_id) <= set("0123456789abcdef")
            assert 0 < span.started_ns <= span.ended_ns
        assert len({s.span_id for s in first}) == len(first)

    @given(st.data())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_a_record_with_any_values_is_read_or_refused_with_a_reason(
        self, importer: Importer, record: Mapping[str, Any], data: st.DataObject
    ) -> None:
        spoiled = dict(deepcopy(record))
        for name in data.draw(st.lists(st.sampled_from(sorted(record)), max_size=3)):
            spoiled[name] = data.draw(values)
        refused = (InvalidInputError, ValueError, TypeError, KeyError, AttributeError, OverflowError)
        with contextlib.suppress(*refused):  # the run turns each of these into a reason
            for span in importer.spans(spoiled):
                assert span.trace_id
