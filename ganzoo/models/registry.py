"""Models by name. A model is a class with `Options` (a pydantic model) and `build(options, latent, image) -> (G, D)`.

Registered names and dotted import paths ("package.module:Class") are looked up alike, so a user's model needs no change here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

from pydantic import BaseModel, ConfigDict
from torch import nn

from ganzoo.errors import SpecError, nearest

Shape = tuple[int, int, int]  # channels, height, width


class Options(BaseModel):
    """Base of every model's options: unknown keys refused, nothing coerced from text, nothing infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class GAN(Protocol):
    """What a model class offers. `TASK` says what for: "generation" where there is none, "paired" or "unpaired" translation.

    G: (N, latent) float → (N, C, H, W); D: (N, C, H, W) → (N,) logits (no sigmoid: the losses hold it).
    A model with an option `num_classes` may be told classes: where it is not 0, G: (z, labels (N,)) and D: (images, labels (N,)), and G
    has it as an attribute.
    paired: G: source (N, C, H, W) → (N, C, H, W); D: (image, source) → patch outputs (N, 1, h, w), logits likewise.
    unpaired: G: nn.ModuleDict {"ab", "ba"} of (N, C, H, W) → (N, C, H, W); D: nn.ModuleDict {"a", "b"} of image → (N, 1, h, w).
    `image` is the shape of one side then, and `latent` plays no part.
    `build` draws initial weights from torch's global stream, which the caller has seeded; it raises SpecError for images it cannot make.
    A model that is for some sides of square images only may name them, rising, as `SIDES`; then the contract tests use those.
    """

    Options: type[BaseModel]

    @staticmethod
    def build(options, latent: int, image: Shape) -> tuple[nn.Module, nn.Module]: ...


_MODELS: dict[str, type[GAN]] = {}


def register(name: str) -> Callable[[type], type]:
    """Class decorator: enrol a model under `name`, and so in the contract tests of every registered model."""

    def enrol(cls: type) -> type:
        if name in _MODELS:
            raise ValueError(f"model '{name}' is registered twice: {_MODELS[name]} and {cls}")
        _MODELS[name] = cls
        return cls

    return enrol


def names() -> list[str]:
    """Registered names, sorted."""
    return sorted(_MODELS)


def get(name: str) -> type[GAN]:
    """The model class called `name`; SpecError with the nearest valid name where there is none."""
    if name in _MODELS:
        return _MODELS[name]
    if ":" not in name:
        raise SpecError(f"unknown model '{name}'.{nearest(name, names())} Your own: 'package.module:Class'.")
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a user's module may fail in any way while it is imported
        reason = f"{type(error).__name__}: {error}"
        raise SpecError(f"model '{name}' cannot be imported ({reason}). Expected 'package.module:Class' on the Python path.") from error
    if not (hasattr(found, "Options") and hasattr(found, "build")):
        raise SpecError(f"model '{name}' has no Options and build; see ganzoo.models.registry.GAN for what a model offers.")
    return found
