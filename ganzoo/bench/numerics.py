"""Process-wide settings of torch on which a run's bits depend."""

from __future__ import annotations

import torch


def prepare(threads: int, device: str) -> torch.device:
    """Make runs repeatable: thread count, no TF32, no kernel autotuning."""
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    return torch.device(device)
