"""How a network is told a class: batch norm with a class's own gains and shifts, z in chunks, and the projection in D."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import SpecError


class ConditionalNorm(nn.Module):
    """A norm whose gains and shifts depend on a condition. (N, C, H, W) both ways."""

    bn: nn.BatchNorm2d

    def modulated(self, x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
        """gain·BN(x) + shift, both (N, C)."""
        normed = self.bn(x)
        gain, shift = (values.to(normed.dtype)[:, :, None, None] for values in (gain, shift))
        return torch.addcmul(shift, normed, gain)


class ConditionalBatchNorm(ConditionalNorm):
    """(1 + W_g c)·BN(x) + W_b c for a condition c (N, condition): a class's embedding and a chunk of z (Brock et al. 2019, Appendix B).

    `bias`: of W_g and W_b. `as_code`: *iyengar*'s code (`model/blocks.py`): one dense layer with bias gives gain and shift, the gain
    not around 1; the columns of its weight begin at 1 up to the number of channels and at 0 from there on (rows must have been meant),
    and it is never under spectral norm.
    """

    def __init__(self, channels: int, condition: int, *, bias: bool = False, as_code: bool = False):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, affine=False)
        self.as_code = as_code
        if as_code:
            self.spectral = self.redrawn = False
            self.both = nn.Linear(condition, 2 * channels)
            with torch.no_grad():
                self.both.weight[:, :channels] = 1
                self.both.weight[:, channels:] = 0
        else:
            self.gain = nn.Linear(condition, channels, bias=bias)
            self.shift = nn.Linear(condition, channels, bias=bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        gain, shift = self.both(condition).chunk(2, 1) if self.as_code else (1 + self.gain(condition), self.shift(condition))
        return self.modulated(x, gain, shift)


class ClassBatchNorm(ConditionalNorm):
    """g[y]·BN(x) + b[y]: gains, at first 1, and shifts, at first 0, of each class (de Vries et al. 2017; Miyato & Koyama 2018).

    `forward(x, labels)`, labels (N,) int64. Never under spectral norm, which would take the gains away.
    """

    spectral = redrawn = False

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.shift = nn.Embedding(num_classes, channels), nn.Embedding(num_classes, channels)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return self.modulated(x, self.gain(labels), self.shift(labels))


class SharedEmbedding(nn.Embedding):
    """Labels (N,) int64 → (N, width): one table for all conditional norms, each of which projects it (Brock et al. 2019, §3.1)."""

    def __init__(self, num_classes: int, width: int):
        super().__init__(num_classes, width)


def chunks(z: Tensor, parts: int) -> tuple[Tensor, ...]:
    """z (N, latent) → `parts` of (N, latent/parts): the first for the dense layer, one for each block (Brock et al. 2019, §3.1)."""
    size, rest = divmod(z.shape[1], parts)
    if rest:
        raise ValueError(f"z has {z.shape[1]} entries, expected a multiple of {parts}, one equal chunk each")
    return z.split(size, dim=1)


def chunk_size(latent: int, parts: int, model: str) -> int:
    """Entries of a chunk; SpecError where z does not divide."""
    size, rest = divmod(latent, parts)
    if rest:
        near = " or ".join(str(parts * count) for count in (size, size + 1) if count)
        raise SpecError(
            f"model.latent.dim is {latent}, but model '{model}' splits z into {parts} equal chunks here: expected a multiple of {parts}. "
            f"Set it to {near}."
        )
    return size


class ProjectionHead(nn.Module):
    """Features h (N, features) and labels (N,) int64 → logit (N,): wᵀh + b + <e[y], h> (Miyato & Koyama 2018, eq. 3).

    With `num_classes` 0 there is no table, and labels are not asked for.
    """

    def __init__(self, features: int, num_classes: int):
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.embed = nn.Embedding(num_classes, features) if num_classes else None

    def forward(self, h: Tensor, labels: Tensor | None = None) -> Tensor:
        logit = self.linear(h).squeeze(1)
        if self.embed is None:
            return logit
        if labels is None:
            raise ValueError(f"the discriminator is told {self.embed.num_embeddings} classes: expected labels (N,), not None")
        return logit + (self.embed(labels) * h).sum(1)
