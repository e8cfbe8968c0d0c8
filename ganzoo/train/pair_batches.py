"""Batches of two sides, for translation: cropped and flipped on the device, all images of a batch at once, into buffers made once."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.data import PairSet
from ganzoo.errors import DataError


class PairBatches:
    """An endless walk through `pairs`: `next()` gives a and b, (N, C, h, w) float32 each, the same two buffers each time, refilled.

    Paired: a fresh permutation each epoch, the last partial batch dropped. Unpaired: an epoch is as long as the longer side; a goes
    through a permutation of that length, modulo its own, and b is drawn at random with replacement.
    crop: side of the square windows, each at a random place; None: whole images. flip: mirrored left to right, half of them.
    The two images of a pair share window and flip; unpaired ones have their own. Both are drawn from `augment`, an epoch's at its
    start, always and in the same number, so that neither moves the other, nor the order of `order`. Both generators are the CPU's.
    Pixel p becomes lo + p·(hi - lo)/255.
    """

    def __init__(
        self,
        pairs: PairSet,
        batch_size: int,
        value_range: tuple[float, float],
        order: torch.Generator,
        augment: torch.Generator,
        *,
        crop: int | None = None,
        flip: bool = False,
        channels_last: bool = False,
    ):
        if len(pairs) < batch_size:
            what = "pairs" if pairs.paired else "images of the longer side"
            raise DataError(f"{len(pairs)} {what} make no batch of {batch_size}. Lower train.batch_size, or raise data.limit.")
        height, width = pairs.shape[1:]
        if crop is not None and not 1 <= crop <= min(height, width):
            raise DataError(
                f"crops of {crop} pixels, expected at most the images' {width}x{height}. Lower data.resize, or set data.enlarge."
            )
        self.batch_size, self.order, self.augment, self.flip = batch_size, order, augment, flip
        self.paired, self.lengths, self.length = pairs.paired, (len(pairs.a), len(pairs.b)), len(pairs)
        self.per_epoch = self.length // batch_size
        self.sides = tuple(_Side(images, batch_size, value_range, crop, flip, channels_last) for images in (pairs.a, pairs.b))
        self.shape = tuple(self.sides[0].out.shape[1:])  # of one image of either side, as it is trained on
        self.position = 0
        self._shuffle()

    def _shuffle(self) -> None:
        self.epoch_start, self.augment_start = self.order.get_state(), self.augment.get_state()
        a = torch.randperm(self.length, generator=self.order)
        b = a if self.paired else torch.randint(self.lengths[1], (self.length,), generator=self.order)
        windows = self._windows()
        self.sides[0].plan(a % self.lengths[0], *windows)
        self.sides[1].plan(b, *(windows if self.paired else self._windows()))
        self.position = 0

    def _windows(self) -> tuple[Tensor, Tensor, Tensor]:
        """Top, left and flip of each image of an epoch, int64 (length,)."""
        side = self.sides[0]
        ranges = side.images.shape[2] - side.out.shape[2] + 1, side.images.shape[3] - side.out.shape[3] + 1, 2
        top, left, flip = (torch.randint(places, (self.length,), generator=self.augment) for places in ranges)
        return top, left, flip * self.flip

    def next(self) -> tuple[Tensor, Tensor]:
        if self.position == self.per_epoch:
            self._shuffle()
        start = self.position * self.batch_size
        self.position += 1
        a, b = (side.fill(start) for side in self.sides)
        return a, b

    def state(self) -> dict[str, Tensor]:
        """Where the walk stands: both generators at the epoch's start and the batches taken since."""
        return {"epoch_start": self.epoch_start, "augment_start": self.augment_start, "position": torch.tensor(self.position)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.order.set_state(state["epoch_start"])
        self.augment.set_state(state["augment_start"])
        self._shuffle()
        self.position = int(state["position"])


class _Side:
    """One side's images (M, C, H, W) and its batch. Rows of pixels are copied whole, and windows then cut out of them."""

    def __init__(
        self, images: Tensor, batch_size: int, value_range: tuple[float, float], crop: int | None, flip: bool, channels_last: bool
    ):
        self.images = images
        channels, height, width = images.shape[1:]
        h, w = (crop, crop) if crop else (height, width)
        device = images.device
        lo, hi = value_range
        self.scale, self.shift = (hi - lo) / 255.0, lo
        self.of_pixels = images.reshape(-1, width)  # (M·C·H, W)
        self.grid = torch.arange(channels, device=device).view(-1, 1) * height + torch.arange(h, device=device)  # (C, h): an image's rows
        self.rows = torch.empty((batch_size, channels, h), dtype=torch.int64, device=device)
        self.across = torch.arange(w, device=device)
        self.columns = torch.empty((batch_size, w), dtype=torch.int64, device=device)
        self.raw = torch.empty((batch_size, channels, h, w), dtype=torch.uint8, device=device)
        whole_rows = w == width and not flip
        self.wide = self.raw if whole_rows else torch.empty((batch_size, channels, h, width), dtype=torch.uint8, device=device)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.out = torch.empty(self.raw.shape, device=device).to(memory_format=layout)

    def plan(self, chosen: Tensor, top: Tensor, left: Tensor, flip: Tensor) -> None:
        """Which images an epoch shows, and through which windows: int64 on the CPU, one entry an image."""
        channels, height = self.images.shape[1:3]
        self.first_row = (chosen * (channels * height) + top).to(self.images.device)
        self.first_column = (left + flip * (len(self.across) - 1)).to(self.images.device)  # a flipped window is read backwards
        self.stride = (1 - 2 * flip).to(self.images.device)

    def fill(self, start: int) -> Tensor:
        """The batch that begins with image `start` of the epoch."""
        batch = slice(start, start + len(self.raw))
        torch.add(self.grid, self.first_row[batch].view(-1, 1, 1), out=self.rows)
        torch.index_select(self.of_pixels, 0, self.rows.view(-1), out=self.wide.view(-1, self.wide.shape[3]))
        if self.wide is not self.raw:
            torch.mul(self.stride[batch].view(-1, 1), self.across, out=self.columns).add_(self.first_column[batch].view(-1, 1))
            index = self.columns.view(len(self.raw), 1, 1, -1).expand(self.raw.shape)
            torch.gather(self.wide, 3, index, out=self.raw)
        return self.out.copy_(self.raw).mul_(self.scale).add_(self.shift)
