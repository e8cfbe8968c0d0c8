"""A user's own network by import path, `package.module:Class`.

    class MyNet(nn.Module):
        dim, channels, size = 128, 3, (64, 64)      # size None: any size, the network sees to it
        def forward(self, x):                       # (N, channels, H, W) in [0, 1]
            return features                         # (N, dim), or (features, logits)

Built without arguments, so it loads its own weights; what it draws at random is the same each time. It is known by its state and by the
sources of its module and of the modules of its own project that this imports.
"""

from __future__ import annotations

import hashlib
import importlib

import torch
from torch import Tensor, nn

from ganzoo.errors import WeightsError
from ganzoo.metrics.extractors.base import CLASSES, FEATURES, LABELS, Extractor, unit
from ganzoo.sources import digest_of_files, sources_of
from ganzoo.tensor_digest import digest_tensors

PREPROCESSING = "x / 255"
CHUNK = 64  # images at once, unless the class says so itself
MANY_CLASSES = 100  # from here on they are taken for ImageNet's, not the data's: which of them are reached says nothing
ANY = (64, 64)  # size of the first try where the network takes any


def load(name: str, device: torch.device) -> Extractor:
    """WeightsError where it cannot be imported, built or run, or is not what its attributes say."""
    net = _built(name)
    dim, channels, size = _attributes(name, net)
    net = net.eval().requires_grad_(False).to(device)
    classes = _first_try(name, net, torch.zeros(2, channels, *(size or ANY), device=device), dim)

    def network(x: Tensor) -> tuple[Tensor, Tensor]:
        return _both(net(x))

    known, chunk = digest(name, net), getattr(net, "chunk", CHUNK)
    measures = (CLASSES if classes < MANY_CLASSES else LABELS) if classes else FEATURES
    return Extractor(
        name, known, channels, size, dim, classes, chunk, PREPROCESSING, network, before=unit, device=device, measures=measures
    )


def digest(name: str, net: nn.Module) -> str:
    """sha256 over what it computes with: state and sources. WeightsError where there are no sources to read."""
    return hashlib.sha256(f"{digest_of_state(net)}|{_digest_of_sources(name, type(net))}".encode()).hexdigest()


def _digest_of_sources(name: str, found: type) -> str:
    try:
        return digest_of_files(sorted(sources_of(found, name.partition(":")[0]).items()))
    except (OSError, TypeError, SyntaxError, ValueError) as error:  # of a notebook, or compiled
        reason = f"{type(error).__name__}: {error}"
        raise WeightsError(
            f"extractor '{name}' cannot be known by its sources ({reason}). Define it in a file of Python that can be read."
        ) from error


def digest_of_state(net: nn.Module) -> str:
    """sha256 over parameters, buffers (persistent or not) and what else its state holds: names, dtypes, shapes and bytes."""
    state = {**dict(net.named_parameters()), **dict(net.named_buffers()), **net.state_dict()}
    return digest_tensors({name: value for name, value in state.items() if isinstance(value, Tensor)})


def _built(name: str) -> nn.Module:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a user's module may fail in any way while it is imported
        reason = f"{type(error).__name__}: {error}"
        raise WeightsError(
            f"extractor '{name}' cannot be imported ({reason}). Expected 'package.module:Class' on the Python path."
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise WeightsError(f"extractor '{name}' is {found!r}, expected a class derived from torch.nn.Module.")
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return found()
    except Exception as error:
        raise WeightsError(f"extractor '{name}' cannot be built without arguments ({type(error).__name__}: {error}).") from error


def _attributes(name: str, net: nn.Module) -> tuple[int, int, tuple[int, int] | None]:
    for what in ("dim", "channels", "size"):
        if not hasattr(net, what):
            raise WeightsError(f"extractor '{name}' has no `{what}`, expected dim, channels and size; see ganzoo.metrics.extractors.user.")
    dim, channels, size = net.dim, net.channels, net.size
    for what, value in (("dim", dim), ("channels", channels), ("chunk", getattr(net, "chunk", CHUNK))):
        if not _positive(value):
            raise WeightsError(f"extractor '{name}': {what} is {value!r}, expected a positive whole number.")
    if size is not None and not (isinstance(size, (tuple, list)) and len(size) == 2 and all(map(_positive, size))):
        raise WeightsError(f"extractor '{name}': size is {size!r}, expected (height, width), or None for any size.")
    return dim, channels, None if size is None else tuple(size)


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _both(found: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    if isinstance(found, Tensor):
        return found, found.new_empty(len(found), 0)
    features, logits = found
    return features, logits


@torch.no_grad()
def _first_try(name: str, net: nn.Module, x: Tensor, dim: int) -> int:
    """How many logits there are, from two black images."""
    try:
        features, logits = _both(net(x))
        shapes = tuple(features.shape), tuple(logits.shape)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise WeightsError(f"extractor '{name}' fails on images of shape {tuple(x.shape)} ({reason}).") from error
    if shapes[0] != (len(x), dim) or len(shapes[1]) != 2 or shapes[1][0] != len(x):
        raise WeightsError(
            f"extractor '{name}' gave shapes {shapes} for images of shape {tuple(x.shape)}, expected features ({len(x)}, {dim}) alone, "
            f"or with logits ({len(x)}, k)."
        )
    return shapes[1][1]
