"""Full float32 inside an extractor, and the caller's settings afterwards, whichever of torch's two ways set them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ganzoo.metrics.extractors import precision
from ganzoo.metrics.extractors.precision import full_precision

CPU = torch.device("cpu")
OPERATIONS = {
    "cuda matmul": torch.backends.cuda.matmul,
    "matmul": torch.backends.mkldnn.matmul,
    "conv": torch.backends.mkldnn.conv,
    "rnn": torch.backends.mkldnn.rnn,
}


def older() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return "refuses"


def settings() -> dict[str, str]:
    return {name: operation.fp32_precision for name, operation in OPERATIONS.items()} | {"older": older()}


@pytest.fixture(autouse=True)
def as_before():
    for operation in OPERATIONS.values():
        operation.fp32_precision = "none"
    before = torch.get_float32_matmul_precision()
    yield
    torch.backends.fp32_precision = "none"
    torch.set_float32_matmul_precision(before)
    for operation in OPERATIONS.values():
        operation.fp32_precision = "none"


def newer(name: str, value: str) -> Callable[[], None]:
    return lambda: setattr(OPERATIONS[name], "fp32_precision", value)


CALLERS = {
    "nothing set": lambda: None,
    "older, highest": lambda: torch.set_float32_matmul_precision("highest"),
    "older, high": lambda: torch.set_float32_matmul_precision("high"),
    "older, medium": lambda: torch.set_float32_matmul_precision("medium"),
    "newer, CUDA": newer("cuda matmul", "tf32"),
    "newer, CPU": newer("matmul", "bf16"),
    "newer, convolutions": newer("conv", "bf16"),
    "newer, everywhere": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
    "newer, full": lambda: setattr(torch.backends, "fp32_precision", "ieee"),
}


@pytest.mark.parametrize("caller", CALLERS)
def test_full_inside_and_as_it_was_afterwards(caller):
    CALLERS[caller]()
    before = settings()
    for _ in range(2):
        with full_precision(CPU):
            assert {OPERATIONS[name].fp32_precision for name in ("matmul", "conv", "rnn")} <= {"none", "ieee"}
            assert older() in ("highest", "refuses")
        assert settings() == before
    with pytest.raises(ZeroDivisionError), full_precision(CPU):
        raise ZeroDivisionError
    assert settings() == before


@pytest.mark.parametrize("caller", ["older, medium", "older, high"])
def test_a_network_inside_may_read_the_older_setting(caller):
    CALLERS[caller]()
    with full_precision(CPU):
        assert torch.get_float32_matmul_precision() == "highest"


def test_what_followed_its_backend_goes_on_to_follow_it():
    torch.backends.fp32_precision = "tf32"
    with full_precision(CPU):
        pass
    torch.backends.fp32_precision = "ieee"
    assert OPERATIONS["conv"].fp32_precision == "ieee"


def test_cuda_operations_count_on_cuda_alone():
    counted = precision._operations(torch.device("cuda"))
    assert torch.backends.cuda.matmul in counted and torch.backends.cudnn.conv in counted and torch.backends.cudnn.rnn in counted
    assert torch.backends.cuda.matmul not in precision._operations(CPU)


def test_switches_of_cuda_are_set_and_put_back(monkeypatch):
    """Read without a GPU: the switches are the process's. Autocast for CUDA warns where there is none."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: torch.inference_mode(False))
    cudnn, cuda = torch.backends.cudnn, torch.device("cuda")

    def read() -> tuple:
        return cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision

    kept = read()
    try:
        cudnn.benchmark = True
        cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = "tf32", "ieee"  # torch now refuses to read allow_tf32
        OPERATIONS["cuda matmul"].fp32_precision = "tf32"
        before = read()
        with full_precision(cuda):
            assert read()[:3] == (True, False, True) and set(read()[3:]) <= {"none", "ieee"}
            assert OPERATIONS["cuda matmul"].fp32_precision == "ieee"
        assert read() == before and OPERATIONS["cuda matmul"].fp32_precision == "tf32"
    finally:
        cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = kept
