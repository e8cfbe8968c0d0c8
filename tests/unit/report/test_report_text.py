"""Numbers as the report writes them."""

from __future__ import annotations

import math

import pytest

from ganzoo.report import text


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (12.345, "12.3"), (0.012345, "0.0123"), (1234.5, "1,234"), (1503632, "1,503,632"), (7.0, "7"), (-4.2, "−4.20"), (0, "0"),
        (3.83e9, "3.83×10⁹"), (2.5e-7, "2.50×10⁻⁷"), (None, "–"), (math.nan, "NaN"), (True, "–"), ("12", "–"),
    ],
)  # fmt: skip
def test_number(value, told):
    assert text.number(value) == told


@pytest.mark.parametrize(
    ("mean", "std", "told"),
    [
        (25.214, 2.688, "25.2 ± 2.7"), (479.2, 26.6, "479 ± 27"), (0.02801, 0.00291, "0.0280 ± 0.0029"),
        (1503632.0, 12345.0, "1,503,632 ± 12,345"),
        (12.3, None, "12.30"), (0.48573, 1e-17, "0.4857"), (None, 1.0, "–"), (-3.0, 0.5, "−3.00 ± 0.50"), (0.0, 0.25, "0.00 ± 0.25"),
    ],
)  # fmt: skip
def test_spread_ends_at_the_second_digit_of_the_deviation(mean, std, told):
    assert text.spread(mean, std) == told


def test_interval_and_p():
    assert text.interval([1.0, 2.5]) == "[1, 2.50]"
    assert text.interval([None, 2.5]) == "[–, 2.50]"
    assert text.interval(None) == text.interval([None, None]) == "–"
    assert text.p_value(0.0004) == "< 0.001" and text.p_value(0.1) == "0.100" and text.p_value(None) == "–"


@pytest.mark.parametrize(("value", "told"), [(0.41, "0.410 s"), (11.2, "11.2 s"), (371.0, "6.2 min"), (9000.0, "2.5 h"), (None, "–")])
def test_seconds(value, told):
    assert text.seconds(value) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [([128, 256], "[128, 256]"), (0.0002, "2.0e-04"), (None, "null"), (True, "true"), ("adam", "adam"), (0.3, "0.3")],
)
def test_setting_reads_as_in_a_spec(value, told):
    assert text.setting(value) == told


def test_seeds_sort_as_numbers():
    assert sorted(["10", "2", "x", "0"], key=text.seed_order) == ["0", "2", "10", "x"]


def test_words():
    assert text.listing([]) == "" and text.listing(["a"]) == "a" and text.listing(["a", "b", "c"]) == "a, b and c"
    assert text.plural(1, "run") == "1 run" and text.plural(1200, "run") == "1,200 runs"
    assert text.day("2026-11-21T01:02:03Z") == "21 Nov 2026" and text.day("soon") == "–"
