"""Plain float32 arithmetic, whatever the caller has switched on, through both of torch's ways of saying so.

torch 2.9 brought `fp32_precision`, one for each kind of operation of each backend, beside the older global switches. The older ones
move the newer along, but not the other way round, and refuse to be read once the two disagree: so the older are set where they can be
read, the newer always, and each is put back as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

FULL = ("none", "ieee")  # precisions that are float32 itself; "none": nothing was asked for


def _operations(device: torch.device) -> list[Any]:
    """torch's objects whose `fp32_precision` counts on `device`."""
    of_cpu, of_cuda = torch.backends.mkldnn, torch.backends.cudnn
    cpu = [of_cpu.matmul, of_cpu.conv, of_cpu.rnn]
    return [*cpu, torch.backends.cuda.matmul, of_cuda.conv, of_cuda.rnn] if device.type == "cuda" else cpu


@contextmanager
def full_precision(device: torch.device):
    """float32 as it stands on `device`: no autocast, TF32 or bfloat16; the caller's settings are put back afterwards."""
    operations = _operations(device)
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, enabled=False))
        for operation in operations:  # put back last, as the older switches move them
            stack.callback(_put_back, operation, operation.fp32_precision)
        _switch(stack, torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest")
        if device.type == "cuda":
            cudnn = torch.backends.cudnn
            _switch(stack, lambda: cudnn.allow_tf32, lambda value: setattr(cudnn, "allow_tf32", value), False)
            for name, value in (("enabled", True), ("benchmark", False), ("deterministic", True)):
                stack.callback(setattr, cudnn, name, getattr(cudnn, name))
                setattr(cudnn, name, value)
        for operation in operations:
            if operation.fp32_precision not in FULL:
                operation.fp32_precision = "ieee"
        yield


def _switch(stack: ExitStack, read: Callable[[], Any], write: Callable[[Any], None], value: Any) -> None:
    """An older switch set to `value` and put back with `stack`; left alone where torch will not read it."""
    try:
        before = read()
    except RuntimeError:  # "mix of the legacy and new APIs": the caller uses the newer ones
        return
    if before != value:
        stack.callback(write, before)
        write(value)


def _put_back(operation: Any, value: str) -> None:
    """ "none" where that reads as before, so that an operation that followed its backend's setting goes on to follow it."""
    if operation.fp32_precision != value:
        operation.fp32_precision = "none"
    if operation.fp32_precision != value:
        operation.fp32_precision = value
