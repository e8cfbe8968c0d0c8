"""What a run ran on: versions, device, flags, revision. Everything that can move a bit."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import resource
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

import ganzoo

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn")
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "MKL_CBWR", "CUBLAS_WORKSPACE_CONFIG", "LD_PRELOAD", "PYTORCH_CUDA_ALLOC_CONF")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=Path(ganzoo.__file__).parent, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


@cache
def revision() -> tuple[str | None, str | None]:
    """(commit, sha256 of the uncommitted change or None) of the checkout that ganzoo runs from; (None, None) outside one."""
    commit = _git("rev-parse", "HEAD")
    change = _git("diff", "HEAD", "--", ".")
    return (commit.strip() if commit else None), (hashlib.sha256(change.encode()).hexdigest() if change else None)


def _processor() -> str:
    try:
        names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def capture(device: torch.device) -> dict:
    """The environment as it is now. Variables are reduced to their file names: a record holds no path."""
    commit, dirty = revision()
    return {
        "ganzoo": ganzoo.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "tf32": bool(device.type == "cuda" and torch.backends.cuda.matmul.allow_tf32),
        "git": commit,
        "git_dirty": dirty,
        "variables": {name: os.environ[name].rpartition("/")[2] for name in VARIABLES if name in os.environ},
    }


def forget_peak_memory(device: torch.device) -> None:
    """Let `peak_memory_mb` begin anew, where the system can (CUDA, Linux); elsewhere it stays that of the whole process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets the peak resident set size


def peak_memory_mb(device: torch.device) -> float:
    """Highest memory use since `forget_peak_memory`: of the GPU's allocator, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
