"""A generator with its sources: which are reported and which choose, in what order and range, and how many at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganzoo.data import PairSet
from ganzoo.metrics import protocols
from ganzoo.metrics.encode import generation_mode
from ganzoo.metrics.evaluate import evaluate_selection, generate, sample_images
from ganzoo.metrics.translator import CHUNK, Translator

PROTOCOL = protocols.get("digits-cnn")


class Seen(nn.Module):
    """Gives back what it gets, times `gain`, and remembers how many it got at once."""

    def __init__(self, gain: float = 1.0):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.dropout = nn.Dropout(0.5)
        self.sizes: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.float32
        self.sizes.append(len(x))
        return self.dropout(x) * self.gain


def held_out(count: int, *, paired: bool = True, other: int | None = None) -> PairSet:
    """Images that are all different; side b is side a's negative."""
    generator = torch.Generator().manual_seed(1)
    a = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=generator)
    b = 255 - a if other is None else torch.randint(0, 256, (other, 1, 8, 8), dtype=torch.uint8, generator=generator)
    return PairSet(a, b, paired, "pairs" if paired else "domains", "train", "0" * 64)


def made(g: Translator, name: str, count: int) -> list[Tensor]:
    with generation_mode(g, PROTOCOL):
        return list(g.outputs(name, count))


def test_the_last_ones_choose_and_the_others_are_reported():
    held = held_out(10)
    g = Translator(Seen(), held, (0.0, 255.0), 3)
    assert torch.equal(g.reported, held.a[:7]) and torch.equal(g.selecting, held.a[7:]) and torch.equal(g.targets, held.b[:7])
    for name, count, expected in (("eval/report", 7, held.a[:7]), ("watch", 7, held.a[:7]), ("eval/select", 3, held.a[7:])):
        assert torch.equal(torch.cat(made(g, name, count)), expected.float()), name


def test_no_number_is_chosen_on_its_own_sources():
    held = held_out(10)
    g = Translator(Seen(), held, (-1.0, 1.0), 4)
    reported, selecting = ({image.numpy().tobytes() for image in g.sources(name)} for name in ("eval/report", "eval/select"))
    assert len(reported) == 6 and len(selecting) == 4 and reported.isdisjoint(selecting)


def test_fewer_are_the_first_ones():
    held = held_out(40)
    g = Translator(Seen(), held, (0.0, 255.0), 2)
    for name, first in (("eval/report", 0), ("eval/select", 38)):
        (few,) = made(g, name, 1)
        assert torch.equal(few, held.a[first : first + 1].float())
    assert torch.equal(torch.cat(made(g, "eval/report", 20)), held.a[:20].float())


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (CHUNK, [CHUNK]), (CHUNK + 1, [CHUNK, 1]), (2 * CHUNK + 5, [CHUNK, CHUNK, 5])])
def test_a_few_at_once(count, sizes):
    net = Seen()
    g = Translator(net, held_out(3 * CHUNK), (-1.0, 1.0), 2)
    assert [len(chunk) for chunk in made(g, "eval/report", count)] == sizes == net.sizes


@pytest.mark.parametrize(("name", "there"), [("eval/report", 7), ("eval/select", 3)])
def test_more_than_there_are_is_refused(name, there):
    g = Translator(Seen(), held_out(10), (-1.0, 1.0), 3)
    with pytest.raises(ValueError, match=f"{there + 1} translations of {there} sources"):
        made(g, name, there + 1)


def test_a_look_takes_as_many_as_there_are():
    """`watch.num_latents` is 64 wherever a spec says nothing, and small tiers hold less out."""
    held = held_out(10)
    g = Translator(Seen(), held, (0.0, 255.0), 3)
    assert torch.equal(torch.cat(made(g, "watch", 64)), held.a[:7].float())
    assert torch.equal(torch.cat(made(g, "watch", 5)), held.a[:5].float())


@pytest.mark.parametrize("limits", [(-1.0, 1.0), (0.0, 1.0), (-0.5, 0.25)])
def test_a_source_is_shown_in_the_range_of_the_training_images(limits):
    """Every level as `Batches` scales it; and through an identity each comes back as the pixels that it was."""
    low, high = limits
    levels = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    g = Translator(Seen(), PairSet(levels, levels, True, "pairs", "train", "0" * 64), limits, 1)
    (shown,) = made(g, "eval/report", 3)
    torch.testing.assert_close(shown.flatten(), torch.arange(192) / 255 * (high - low) + low)
    assert shown.min() == low and torch.equal(levels, torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8))


def test_what_is_stored_of_an_identity_are_the_sources(make_case):
    held = held_out(40)
    g = Translator(Seen(), held, (-1.0, 1.0), 5)
    case = make_case()
    with generation_mode(g, PROTOCOL):
        kept = torch.cat(list(sample_images(g, case, PROTOCOL, 35, 0, "eval/report", "cpu")))
        again = torch.cat(list(generate(g, case, 35, 7, "eval/report", "cpu", 3, 0.5)))
    assert torch.equal(kept, held.a[:35])
    assert len(again) == 35, "seed, chunks and truncation of latents are nothing to a translator"


def test_of_two_generators_the_first_sides_is_measured():
    net = nn.ModuleDict({"ab": Seen(0.5), "ba": Seen(2.0)})
    held = held_out(6, paired=False, other=9)
    g = Translator(net, held, (0.0, 255.0), 2)
    assert g.targets is None and g.net is net["ab"]
    assert torch.equal(torch.cat(made(g, "eval/report", 4)), held.a[:4] * 0.5)
    assert list(g.state_dict()) == ["net.gain"]


def test_measuring_leaves_the_generator_as_it_was():
    net = Seen()
    net.dropout.p = 0.9
    g = Translator(net.train(), held_out(10), (0.0, 255.0), 3)
    before = torch.get_rng_state()
    (first,) = made(g, "eval/report", 7)
    assert torch.equal(first, g.reported.float()), "dropout is off"
    assert not first.requires_grad and net.training and net.dropout.training and torch.equal(torch.get_rng_state(), before)


def test_it_knows_the_weights_that_training_moves():
    net = Seen(1.0)
    g = Translator(net, held_out(10), (0.0, 255.0), 3)
    with torch.no_grad():
        net.gain.fill_(0.5)
    assert torch.equal(made(g, "eval/report", 7)[0], g.reported * 0.5)


def test_the_best_evaluation_is_chosen_on_the_others(make_case):
    """The distance of `eval/select` is that of the last sources, whatever the reported ones are."""
    case = make_case(num_select=30)
    small = replace(PROTOCOL, num_fake=40)
    held = held_out(70)
    other = replace(held, a=torch.cat((255 - held.a[:40], held.a[40:])))
    found = [evaluate_selection(Translator(Seen(), one, (-1.0, 1.0), 30), small, case, 0, "cpu") for one in (held, other)]
    turned = replace(held, a=torch.cat((held.a[:40], torch.zeros_like(held.a[40:]))))
    assert found[0] == found[1] != evaluate_selection(Translator(Seen(), turned, (-1.0, 1.0), 30), small, case, 0, "cpu")
