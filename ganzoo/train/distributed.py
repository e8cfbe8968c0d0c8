"""One training by several processes ("ranks"): parts of a batch, mean gradients, and what all must agree on.

Gradients are averaged where an optimiser is about to use them, in one flat all-reduce. DistributedDataParallel is not used: it forbids
what an update rule does, freezing D's weights while G's are updated, going backward to some inputs alone, and judging twice before going
backward once. With equal first weights and equal gradients the ranks' weights stay equal to the last bit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ganzoo.train.batches import Batches

PATIENCE = timedelta(days=1)  # for rank 0 while it evaluates alone; the end of a process ends the wait of the others at once
SECONDS_APART = 0.5  # between two agreements on whether to go on, about
MOST_STEPS_APART = 100


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is. Rank 0 leads: it alone evaluates and writes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def suffix(self) -> str:
        """What this rank's random streams are called after the name that rank 0's, and a single process', have."""
        return suffix(self.rank)

    def average_(self, values: Tensor) -> Tensor:
        """Collective: the mean over ranks, in place."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def average_gradients(self, optimiser: Optimizer) -> None:
        """Collective: every gradient that `optimiser` is about to use becomes its mean over ranks."""
        grads = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        flat = self.average_(torch.cat([grad.reshape(-1) for grad in grads]))
        parts = flat.split([grad.numel() for grad in grads])
        torch._foreach_copy_(grads, [part.view(grad.shape) for part, grad in zip(parts, grads, strict=True)])

    def join_gradients(self, optimiser: Optimizer) -> None:
        """From now on `optimiser` steps by the mean gradients."""
        if self.size > 1:
            optimiser.register_step_pre_hook(lambda optimiser, args, kwargs: self.average_gradients(optimiser))

    def gather(self, tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
        """Collective: the named uint8 tensors of every rank, on the CPU; of equal sizes on all."""
        if self.size == 1:
            return [tensors]
        flat = torch.cat(list(tensors.values()))
        everyones = [torch.empty_like(flat) for _ in range(self.size)]
        dist.all_gather(everyones, flat)
        sizes = [value.numel() for value in tensors.values()]
        return [dict(zip(tensors, one.split(sizes), strict=True)) for one in everyones]

    def check_equal(self, digest: str, what: str) -> None:
        """Collective: RuntimeError where ranks differ in a sha256 digest."""
        own = {"digest": torch.tensor(list(bytes.fromhex(digest)), dtype=torch.uint8)}
        found = [one["digest"] for one in self.gather(own)]
        different = [rank for rank, one in enumerate(found) if not one.equal(found[0])]
        if different:
            raise RuntimeError(f"{what} of rank {different[0]} are not those of rank 0: expected the same on all {self.size} ranks")

    def in_step(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A training step as all ranks do it together: synchronised batch norm meets the others in there, and nowhere else."""
        if self.size == 1:
            return step

        def together(*arguments: Any) -> Any:
            SyncBatchNorm.together = True
            try:
                return step(*arguments)
            finally:
                SyncBatchNorm.together = False

        return together


ALONE = Ranks()


def suffix(rank: int) -> str:
    return f"/rank {rank}" if rank else ""


def join(device: str) -> tuple[Ranks, torch.device]:
    """Meet the other processes that torchrun started; who this one is, and its device: "cpu", or of "cuda" the GPU of its number."""
    rank, size, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    if device == "cpu":
        target, backend = torch.device("cpu"), "gloo"
    else:
        target, backend = torch.device("cuda", local), "cpu:gloo,cuda:nccl"  # what the host decides does not wait for the GPU
        torch.cuda.set_device(target)
    dist.init_process_group(backend, timeout=PATIENCE)
    return Ranks(rank, size), target


class Agreement:
    """What any rank asks for, learnt by all in the same step, about twice a second; asked once a step on each rank.

    Between two agreements nothing is asked and nothing sent. Rank 0 says how many steps are to be done until the next, from its own pace.
    """

    def __init__(self, ranks: Ranks):
        self.ranks = ranks
        self.pause = self.left = 1  # steps
        self.last = time.monotonic()

    def on(self, *asked: bool) -> tuple[bool, ...]:
        """Collective now and then. A wish must be kept up until it is granted."""
        if self.ranks.size == 1:
            return asked
        self.left -= 1
        if self.left:
            return (False,) * len(asked)
        seconds = (time.monotonic() - self.last) / self.pause
        pause = max(1, min(int(SECONDS_APART / max(seconds, 1e-6)), MOST_STEPS_APART))
        told = torch.tensor([*asked, pause if self.ranks.leads else 0], dtype=torch.int32)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        *granted, self.pause = told.tolist()
        self.left, self.last = self.pause, time.monotonic()
        return tuple(map(bool, granted))


class PartBatches(Batches):
    """This rank's rows of each batch of `Batches`: of B, the rows [r·B/N, (r+1)·B/N). All ranks walk the same permutations."""

    def __init__(self, images: Tensor, batch_size: int, *more: Any, ranks: Ranks, **named: Any):
        """batch_size: of the whole batch, B; the rest as for `Batches`."""
        self.ranks, self.whole = ranks, batch_size
        super().__init__(images, batch_size // ranks.size, *more, **named)

    def _shuffle(self) -> None:
        super()._shuffle()
        self.per_epoch = len(self.images) // self.whole
        whole_batches = self.order[: self.per_epoch * self.whole].view(self.per_epoch, self.ranks.size, self.batch_size)
        self.order = whole_batches[:, self.ranks.rank].flatten()


class SyncBatchNorm(nn.SyncBatchNorm):
    """Batch norm with the statistics of the whole batch in a training step (`Ranks.in_step`), and of what it is given anywhere else.

    An evaluation by rank 0 alone may have its fakes made in train mode; torch's own layer would wait there for the others for ever, and it
    has no CPU tensors. On a GPU it does the work; on the CPU the sums go through an all-reduce that has gradients.
    """

    together: ClassVar[bool] = False

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and SyncBatchNorm.together):
            return _BatchNorm.forward(self, x)
        return super().forward(x) if x.is_cuda else self._of_all(x)

    def _of_all(self, x: Tensor) -> Tensor:
        axes, shape = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        count = x.numel() // x.shape[1] * dist.get_world_size()  # of a channel; the ranks' parts are equal
        mean = all_reduce(wide.sum(axes)) / count
        centred = wide - mean.view(shape)
        var = all_reduce(centred.square().sum(axes)) / count
        if self.track_running_stats:
            self._track(mean.detach(), var.detach() * count / (count - 1))
        y = centred * (var + self.eps).rsqrt().view(shape)
        if self.weight is not None:
            y = y * self.weight.view(shape)
        if self.bias is not None:
            y = y + self.bias.view(shape)
        return y.to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, var: Tensor) -> None:
        self.num_batches_tracked += 1
        share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(var.to(self.running_var.dtype), share)


def synchronised(net: nn.Module) -> nn.Module:
    """`net` with each batch norm in it replaced by a `SyncBatchNorm` that has the very same weights and statistics."""
    if isinstance(net, _BatchNorm):
        layer = SyncBatchNorm(net.num_features, net.eps, net.momentum, net.affine, net.track_running_stats)
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            setattr(layer, name, getattr(net, name))
        return layer.train(net.training)
    for name, child in net.named_children():
        setattr(net, name, synchronised(child))
    return net
