"""What a metric takes in: checked arrays, one error for what it cannot use, one warning for where its number stands with a caveat."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import UserError

Array: TypeAlias = "np.ndarray | Tensor"


class MetricError(UserError, ValueError):
    """Features, logits or images that a metric cannot be computed from."""


class MetricWarning(UserWarning):
    """A number that stands, with a caveat. `code` is for programs, `message` for readers; equal where both are.

    Codes: "few-samples" (no more samples than dimensions), "constant-features" (some never vary),
    "rank-deficient" (a covariance of lower rank for another reason: features that depend linearly on others),
    "identical-images" (outputs that are their target).
    `count`: of "constant-features" and "identical-images", how many there are.
    """

    def __init__(self, code: str, message: str, count: int | None = None):
        super().__init__(code, message)
        self.code, self.message, self.count = code, message, count

    def __str__(self) -> str:
        return self.message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetricWarning) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


def as_rows(x: Array, name: str, *, least: int = 1, purpose: str = "this metric", what: str = "features") -> Tensor:
    """`x` (n, d) as a detached tensor on its own device: floats of any width, finite, n ≥ `least`. Half precision is widened to float32.

    `name` and `purpose` make the MetricError readable: whose rows they are ("real"), and what wants `least` of them ("KID").
    """
    if not isinstance(x, Tensor):
        x = np.asarray(x)
        if x.dtype.kind != "f":
            raise MetricError(f"{name} {what} are of dtype {x.dtype}, expected floating point. Convert them: x.astype('float32').")
        x = np.require(x, np.float64 if x.dtype.itemsize > 4 else np.float32, ["C", "W"])  # torch wants writable memory
        x = torch.from_numpy(x)
    elif not x.is_floating_point():
        raise MetricError(f"{name} {what} are of dtype {x.dtype}, expected floating point. Convert them: x.float().")
    x = x.detach()
    if x.dtype.itemsize < 4:
        x = x.float()
    if x.ndim != 2 or not x.shape[1]:
        found = f"{name} {what} have shape {tuple(x.shape)}"
        raise MetricError(f"{found}, expected (samples, dimensions). Flatten them: x.reshape(len(x), -1).")
    if len(x) < least:
        raise MetricError(f"{purpose} needs at least {least} samples on each side, got {len(x)} ({name} {what}). Give more images.")
    check_finite(x, name, what)
    return x


def check_finite(x: Tensor, name: str, what: str = "features") -> None:
    """MetricError where x (n, d) holds NaN or infinity."""
    if bool(torch.isfinite(x.sum())):  # one pass and no mask: NaN and infinity survive every sum
        return
    bad = ~torch.isfinite(x)
    if not bool(bad.any()):  # finite numbers so large that their sum is not
        return
    row = int(bad.any(1).nonzero()[0])
    nans = int(x.isnan().sum())
    found = f"{name} {what} hold {nans} NaN and {int(bad.sum()) - nans} infinite values in {int(bad.any(1).sum())} of {len(x)} rows"
    raise MetricError(f"{found} (the first is row {row}), expected finite numbers. Look at those images and at the generator's weights.")


def same_width(real: Tensor, fake: Tensor, what: str = "features") -> None:
    """MetricError unless both sides (n, d), (m, d) have the same d."""
    check_dims(real.shape[1], fake.shape[1], what)


def check_dims(real: int, fake: int, what: str = "features") -> None:
    if real != fake:
        raise MetricError(f"real {what} have {real} dimensions, fake ones {fake}: expected the same. Extract both with one network.")
