"""The loss log's means and the averaged generator's formula."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo.train.ema import EMA
from ganzoo.train.log import LossLog

CPU = torch.device("cpu")


def filled(steps: int, every: int, total: int) -> LossLog:
    """D's loss at step s is s, G's is 10·s."""
    log = LossLog(total, every, CPU)
    for step in range(1, steps + 1):
        log.add(step, torch.tensor(float(step)), torch.tensor(10.0 * step))
    return log


def test_a_row_is_the_mean_of_its_window():
    assert filled(9, 3, 9).read() == {"step": [3, 6, 9], "d": [2.0, 5.0, 8.0], "g": [20.0, 50.0, 80.0]}


def test_an_unfinished_window_is_not_told():
    assert filled(8, 3, 9).read() == {"step": [3, 6], "d": [2.0, 5.0], "g": [20.0, 50.0]}
    assert filled(2, 3, 9).read() == {"step": [], "d": [], "g": []}


def test_a_run_shorter_than_a_window_logs_nothing():
    assert filled(5, 50, 5).read() == {"step": [], "d": [], "g": []}


def test_steps_that_do_not_fill_the_last_window_fit():
    assert filled(10, 3, 10).read()["step"] == [3, 6, 9]


def test_a_loss_that_is_not_finite_stays_in_its_window():
    log = LossLog(4, 2, CPU)
    for step, value in enumerate([float("nan"), 1.0, 2.0, 4.0], start=1):
        log.add(step, torch.tensor(value), torch.tensor(value))
    d = log.read()["d"]
    assert d[0] != d[0] and d[1] == 3.0


@pytest.mark.parametrize("stopped", [0, 2, 3, 4, 8])
def test_restored_it_goes_on_alike(stopped):
    state = {key: value.clone() for key, value in filled(stopped, 3, 9).state().items()}
    log = LossLog(9, 3, CPU)
    log.restore(state, stopped)
    for step in range(stopped + 1, 10):
        log.add(step, torch.tensor(float(step)), torch.tensor(10.0 * step))
    assert log.read() == filled(9, 3, 9).read()


def test_a_step_in_which_d_rests_carries_its_last_loss():
    log = LossLog(7, 2, CPU, d_every=3)
    for step in range(1, 8):
        log.add(step, torch.tensor(float(step)) if step in (1, 4, 7) else None, torch.tensor(0.0))
    assert log.steps()[:, 0].tolist() == [1, 1, 1, 4, 4, 4, 7] and log.read()["d"] == [1.0, 2.5, 4.0]


def test_a_longer_run_takes_up_a_shorter_ones_rows():
    log = LossLog(30, 3, CPU)
    log.restore(filled(7, 3, 9).state(), 7)
    assert log.read() == filled(6, 3, 9).read()


def moved(net: nn.Module, to: float) -> None:
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(to)


def test_ema_formula():
    """θ' ← 0.75·θ' + 0.25·θ from θ' = 8: then 6.25 towards 1, then 5.6875 towards 4."""
    net = nn.Linear(3, 2)
    moved(net, 8.0)
    ema = EMA(net, 0.75)
    for target, expected in ((1.0, 6.25), (4.0, 5.6875)):
        moved(net, target)
        ema.update()
        assert all(torch.equal(p, torch.full_like(p, expected)) for p in ema.net.parameters())
        assert all(torch.equal(p, torch.full_like(p, target)) for p in net.parameters()), "the source is only read"


def test_ema_copies_statistics():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5))
    ema = EMA(net, 0.9)
    net(torch.randn(16, 4) + 3)
    assert not torch.equal(ema.net[1].running_mean, net[1].running_mean)
    ema.update()
    for ours, theirs in zip(ema.net.buffers(), net.buffers(), strict=True):
        assert torch.equal(ours, theirs) and ours.data_ptr() != theirs.data_ptr()
    assert ema.net[1].num_batches_tracked == 1


def test_ema_takes_no_part_in_training():
    net = nn.Linear(3, 2)
    ema = EMA(net, 0.9)
    ema.update()
    assert not any(p.requires_grad for p in ema.net.parameters()) and all(p.requires_grad for p in net.parameters())
    assert not {p.data_ptr() for p in ema.net.parameters()} & {p.data_ptr() for p in net.parameters()}


def test_ema_follows_weights_that_are_loaded_or_stepped():
    """It reads the parameters where they are, also after a checkpoint was put into them."""
    net = nn.Linear(1, 1)
    moved(net, 0.0)
    ema = EMA(net, 0.5)
    net.load_state_dict({key: torch.full_like(value, 2.0) for key, value in net.state_dict().items()})
    ema.update()
    assert ema.net.weight.item() == 1.0
    net(torch.ones(1, 1)).backward()
    torch.optim.SGD(net.parameters(), lr=0.5, fused=True).step()  # 2 - 0.5
    ema.update()
    assert net.weight.item() == 1.5 and ema.net.weight.item() == 1.25
