"""Which layers of a network a treatment of all its weights reaches."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn


def layers_of(net: nn.Module, *, unless: str) -> Iterator[nn.Module]:
    """`net` and all layers below, as `net.modules()`, but for those with an attribute of the name `unless` that is False and all below."""
    seen: set[int] = set()

    def walk(layer: nn.Module) -> Iterator[nn.Module]:
        if id(layer) in seen or getattr(layer, unless, True) is False:
            return
        seen.add(id(layer))
        yield layer
        for child in layer.children():
            yield from walk(child)

    yield from walk(net)
