"""What every metric takes in, and what it says of the rest."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import torch

from ganzoo.errors import UserError
from ganzoo.metrics import MetricError, MetricWarning, fid
from ganzoo.metrics.features import as_rows


@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64, np.longdouble, ">f4", torch.bfloat16, torch.float16, torch.float64])
def test_floats_of_any_width(given):
    rows = np.arange(6.0).reshape(3, 2)
    x = torch.from_numpy(rows).to(given) if isinstance(given, torch.dtype) else rows.astype(given)
    found = as_rows(x, "real")
    assert found.tolist() == rows.tolist()
    assert found.dtype == (torch.float64 if given in (np.float64, np.longdouble, torch.float64) else torch.float32)


def test_tensors_are_neither_copied_nor_changed_and_lose_their_gradient():
    x = torch.ones(3, 2, requires_grad=True)
    found = as_rows(x, "real")
    assert found.data_ptr() == x.data_ptr() and not found.requires_grad and x.requires_grad


def test_read_only_memory_is_left_alone(recwarn):
    x = np.ones((3, 2), np.float32)
    x.flags.writeable = False
    as_rows(x, "real").zero_()
    assert x.sum() == 6 and not recwarn


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 2, dtype=torch.uint8), r"real features are of dtype torch.uint8, expected floating point.*x\.float\(\)"),
        (np.zeros((3, 2), int), "real features are of dtype int64, expected floating point"),
        (np.zeros((3, 2), complex), "real features are of dtype complex128"),
        (torch.zeros(3), r"shape \(3,\), expected \(samples, dimensions\)"),
        (torch.zeros(3, 2, 4, 4), r"shape \(3, 2, 4, 4\), expected \(samples, dimensions\)\. Flatten them"),
        (torch.zeros(3, 0), r"shape \(3, 0\)"),
        (torch.zeros(1, 2), "KID needs at least 2 samples on each side, got 1"),
        (torch.tensor([[0, torch.nan], [torch.nan, torch.inf], [0, 0]]), "2 NaN and 1 infinite values in 2 of 3 rows .the first is row 0"),
        (torch.tensor([[0, torch.inf], [0, -torch.inf]]), "0 NaN and 2 infinite values in 2 of 2 rows"),
    ],
)
def test_one_message_that_says_what_and_what_to_do(x, message):
    with pytest.raises(MetricError, match=message) as caught:
        as_rows(x, "real", least=2, purpose="KID")
    assert isinstance(caught.value, UserError) and isinstance(caught.value, ValueError)


def test_large_finite_values_are_no_infinity():
    x = torch.full((3, 2), 3e38)
    assert as_rows(x, "real") is not None  # their sum is infinite, they are not


def test_a_warning_is_a_value():
    one, same, other = MetricWarning("few-samples", "m"), MetricWarning("few-samples", "m"), MetricWarning("constant-features", "m")
    assert one == same != other and len({one, same, other}) == 2
    assert str(one) == one.message == "m"
    back = pickle.loads(pickle.dumps(one))
    assert back == one and back.code == "few-samples"


def test_a_warning_may_be_turned_into_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error", MetricWarning)
        with pytest.raises(MetricWarning, match="3 real samples for 8 dimensions"):
            fid(torch.rand(3, 8), torch.rand(20, 8))
