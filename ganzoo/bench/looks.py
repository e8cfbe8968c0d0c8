"""A look at the samples of fixed latents now and then while a training runs: how far they lie apart, in the protocol's features.

The numbers stay on the device until a record is written.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganzoo.metrics import extractors
from ganzoo.metrics.encode import as_images, generation_mode
from ganzoo.metrics.evaluate import generate
from ganzoo.metrics.look import look_at_reals
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reals import Reals
from ganzoo.spec.schema import Case
from ganzoo.train.state import State


class Looks:
    """Diversity of the fixed samples after every `watch.every_steps` G steps, and before the first.

    Diversity: √(tr Σ_fake / tr Σ_real), where √(2 tr Σ) is the root mean square distance of two images in feature space. 1: as far apart
    as the reals; 0: all alike. The fakes are shown to the network as the reals are, whatever an evaluator does to them (clipping, JPEG).
    """

    def __init__(
        self, case: Case, protocol: Protocol, reals: Reals, seed: int, total_steps: int, device: torch.device,
        shown: Callable[[State], nn.Module] = lambda state: state.evaluated,
    ):  # fmt: skip
        """shown: whose samples are looked at."""
        self.shown = shown
        self.case, self.protocol, self.seed, self.device = case, protocol, seed, str(device)
        self.network = extractors.load(protocol.extractor, self.device)
        self.every, self.count = case.watch.every_steps, case.watch.num_latents
        self.real_trace = float(reals.moments.covariance.trace())
        self.diversity = torch.zeros(total_steps // self.every + 1, device=device)
        self.filled = 0

    def after(self, state: State) -> None:
        """Look, if it is time to. Moves nothing of the training and reads nothing back."""
        if state.step == self.every * self.filled:
            self.diversity[self.filled] = self._of(self.shown(state))
            self.filled += 1

    def _of(self, g: nn.Module) -> Tensor:
        with generation_mode(g, self.protocol):
            features, finite = [], []
            for x in generate(g, self.case, self.count, self.seed, "watch", self.device, self.protocol.fake_batch or self.count):
                shown = as_images(x, self.protocol, self.case.eval.fake_range)
                features.append(look_at_reals(self.network, self.protocol, shown))
                finite.append(x.isfinite().all())
            trace = torch.cat(features).double().var(0).sum()
            return torch.where(torch.stack(finite).all(), (trace / self.real_trace).sqrt(), torch.nan).to(self.diversity.dtype)

    def read(self) -> dict[str, list]:
        """{"step": [...], "diversity": [...]}; None where the images were not finite. Waits for the device."""
        values = [value if value == value else None for value in self.diversity[: self.filled].tolist()]
        return {"step": [self.every * place for place in range(self.filled)], "diversity": [v and round(v, 6) for v in values]}

    def state(self) -> dict[str, Tensor]:
        return {"diversity": self.diversity[: self.filled].clone()}

    def restore(self, state: dict[str, Tensor]) -> None:
        kept = state["diversity"]
        self.filled = len(kept)
        self.diversity[: self.filled].copy_(kept)
