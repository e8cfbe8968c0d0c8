"""Activation checkpointing changes nothing but the memory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.layers import ConditionalBatchNorm, DownBlock, NonLocalBlock, Recomputable, UpBlock, normalise_spectrally, recompute_blocks


class Noisy(Recomputable):
    """Everything that must be moved once: dropout, batch statistics, a power iteration; and a computation that is no plain sequence."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv, self.norm, self.dropout = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.Dropout(0.5)

    def compute(self, x: Tensor, *, scale: Tensor | None = None) -> Tensor:
        y = self.dropout(self.norm(self.conv(x)).relu())
        return x + (y if scale is None else y * scale)


class Net(nn.Module):
    """UpBlock with a condition, attention, DownBlock, a noisy block, all but the noisy one's norm under spectral norm."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.up = UpBlock(8, 8, partial(ConditionalBatchNorm, condition=4))
        self.attention = NonLocalBlock(8, pooled=True)
        self.down = DownBlock(8, 8)
        self.noisy = Noisy(8)
        nn.init.constant_(self.attention.gamma, 0.5)
        normalise_spectrally(self, (nn.Conv2d, nn.Linear), iterations=2)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.noisy(self.down(self.attention(self.up(self.first(x), c))), scale=c.mean()).mean((1, 2, 3))


def pair() -> tuple[Net, Net]:
    torch.manual_seed(0)
    plain = Net()
    frugal = copy.deepcopy(plain)
    assert recompute_blocks(frugal) == 4
    return plain, frugal


def entry(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 3, 8, 8, generator=generator), torch.randn(4, 4, generator=generator)


def outcome(net: nn.Module, training: Callable[[nn.Module], list[Tensor]]) -> list[Tensor]:
    """What `training` returns, all gradients and buffers, and where the stream then stands."""
    torch.manual_seed(1)
    found = training(net)
    gradients = [p.grad if p.grad is not None else torch.tensor(0.0) for p in net.parameters()]
    return [*found, *gradients, *(buffer.clone() for buffer in net.buffers()), torch.get_rng_state()]


def once(net: nn.Module) -> list[Tensor]:
    x, c = entry(2)
    x.requires_grad_()
    out = net(x, c)
    out.square().sum().backward()
    return [out.detach(), x.grad]


def two_forwards_one_backward(net: nn.Module) -> list[Tensor]:
    real, fake = net(*entry(2)), net(*entry(3))
    (real.square().mean() - fake.mean()).backward()
    return [real.detach(), fake.detach()]


def frozen_while_forward(net: nn.Module) -> list[Tensor]:
    """G's update: D passes gradients on but has none, and is thawed before the way back."""
    x, c = entry(2)
    x.requires_grad_()
    for p in net.parameters():
        p.requires_grad_(False)
    loss = net(x, c).sum()
    for p in net.parameters():
        p.requires_grad_(True)
    loss.backward()
    assert all(p.grad is None for p in net.parameters())
    assert all(p.requires_grad for p in net.parameters())
    return [loss.detach(), x.grad]


def evaluated(net: nn.Module) -> list[Tensor]:
    net.eval()
    return once(net)


def in_bfloat16(net: nn.Module) -> list[Tensor]:
    x, c = entry(2)
    with torch.autocast("cpu", torch.bfloat16):
        loss = net(x, c).float().square().sum()
    loss.backward()
    return [loss.detach()]


def channels_last(net: nn.Module) -> list[Tensor]:
    net.to(memory_format=torch.channels_last)
    x, c = entry(2)
    loss = net(x.to(memory_format=torch.channels_last), c).square().sum()
    loss.backward()
    return [loss.detach()]


def twice_back(net: nn.Module) -> list[Tensor]:
    loss = net(*entry(2)).square().sum()
    loss.backward(retain_graph=True)
    loss.backward()
    return [loss.detach()]


def three_steps(net: nn.Module) -> list[Tensor]:
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for step in range(3):
        loss = net(*entry(step)).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    return [*losses, *(p.detach().clone() for p in net.parameters())]


TRAININGS = [
    once, two_forwards_one_backward, frozen_while_forward, evaluated, in_bfloat16, channels_last, twice_back, three_steps,
]  # fmt: skip


@pytest.mark.parametrize("training", TRAININGS, ids=[training.__name__ for training in TRAININGS])
def test_bit_equal(training):
    plain, frugal = (outcome(net, training) for net in pair())
    assert any(value.abs().max() > 0 for value in plain)
    assert all(torch.equal(one, other) for one, other in zip(plain, frugal, strict=True))


def test_the_buffers_remain_the_same_objects():
    """Averages, checkpoints and processes hold on to them."""
    _, net = pair()
    before = {name: id(buffer) for name, buffer in net.named_buffers()}
    once(net)
    assert {name: id(buffer) for name, buffer in net.named_buffers()} == before


def test_a_copy_is_a_network_of_its_own():
    _, net = pair()
    once(net)
    other = copy.deepcopy(net)
    assert all(block.recompute for block in other.modules() if isinstance(block, Recomputable))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    once(other)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def kept(net: nn.Module) -> int:
    """Bytes of the tensors that a forward keeps for the way back, weights aside."""
    mine = {p.untyped_storage().data_ptr() for p in [*net.parameters(), *net.buffers()]}
    held: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in mine:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    alive = []  # a storage that is freed may be given out again
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: alive.append(tensor) or pack(tensor), lambda tensor: tensor):
        net(*entry(2)).sum()
    return sum(held.values())


def test_memory_falls():
    plain, frugal = pair()
    entries = 4 * (3 * 64 + 8 * 64 + 2 * 8 * 256 + 8 * 64)  # into `first` and each block, 4 images; 4 bytes each
    assert kept(frugal) < 1.25 * 4 * entries
    assert kept(plain) > 4 * kept(frugal)


@pytest.mark.parametrize("grad", [True, False])
def test_only_where_gradients_are_asked_for(grad, monkeypatch):
    calls = []
    monkeypatch.setattr("ganzoo.layers.recomputed.checkpoint", lambda *args, **named: calls.append(args) or args[0](*args[1:]))
    block = DownBlock(4, 4)
    recompute_blocks(block)
    with torch.set_grad_enabled(grad):
        block(torch.randn(2, 4, 4, 4))
    assert bool(calls) == grad


def test_the_arithmetic_is_counted_with_the_second_computation():
    def flops(net: nn.Module) -> int:
        with FlopCounterMode(display=False) as counter:
            once(net)
        return counter.get_total_flops()

    def forward(net: nn.Module) -> int:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(*entry(2))
        return counter.get_total_flops()

    plain, frugal = pair()
    assert flops(plain) < flops(frugal) <= flops(plain) + forward(plain)


class Nested(Recomputable):
    def __init__(self):
        super().__init__()
        self.inner = DownBlock(4, 4)


def test_the_outermost_blocks_are_switched_on():
    net = nn.Sequential(Nested(), nn.Sequential(DownBlock(4, 4), nn.Conv2d(4, 4, 1)))
    assert not any(getattr(layer, "recompute", False) for layer in net.modules()), "off unless asked for"
    assert recompute_blocks(net) == 2
    assert [net[0].recompute, net[0].inner.recompute, net[1][0].recompute] == [True, False, True]
    assert recompute_blocks(nn.Sequential(nn.Linear(2, 2))) == 0
