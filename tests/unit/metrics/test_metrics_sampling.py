"""From z to uint8 images."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from ganzoo.metrics import protocols
from ganzoo.metrics.encode import NotFinite, generation_mode, to_uint8
from ganzoo.metrics.evaluate import CHUNK, sample_images
from ganzoo.streams import fill_latent, stream

PROTOCOL = protocols.get("digits-cnn")


class Identity(nn.Module):
    """z (N, d) → (N, 1, 1, d), entry by entry, so that no batch size rounds differently."""

    def forward(self, z):
        return z.view(len(z), 1, 1, -1) / 4


def sampled(case, count, seed=0, name="eval/report"):
    return list(sample_images(Identity(), case, PROTOCOL, count, seed, name, "cpu"))


@pytest.mark.parametrize("limits", [(-1.0, 1.0), (0.0, 1.0), (-0.5, 0.5), (0.0, 255.0)])
def test_every_grey_level_comes_back(limits):
    low, high = limits
    levels = torch.arange(256)
    assert torch.equal(to_uint8(levels / 255 * (high - low) + low, limits), levels.to(torch.uint8))


def test_it_rounds_to_nearest():
    x = torch.tensor([0.4, 0.6, 100.49, 100.51, 254.4, 254.6])
    assert to_uint8(x, (0.0, 255.0)).tolist() == [0, 1, 100, 101, 254, 255]


def test_it_clips_and_does_not_wrap():
    x = torch.tensor([-7.0, -1.001, 1.001, 7.0, float("inf"), float("-inf")])
    assert to_uint8(x, (-1.0, 1.0)).tolist() == [0, 0, 255, 255, 255, 0]


def test_the_range_is_not_read_off_the_images():
    """Min-max rescaling would stretch a faint image to full contrast."""
    faint = torch.tensor([-0.1, 0.1])
    assert to_uint8(faint, (-1.0, 1.0)).tolist() == [115, 140]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_images_are_left_as_they_were(dtype):
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], dtype=dtype)
    before = x.clone()
    found = to_uint8(x, (-1.0, 1.0))
    assert found.dtype == torch.uint8 and found.tolist() == [0, 64, 128, 191, 255]
    assert torch.equal(x, before)


@pytest.mark.parametrize(("count", "chunks"), [(1, [1]), (CHUNK, [CHUNK]), (2 * CHUNK + 5, [CHUNK, CHUNK, 5])])
def test_as_many_as_asked_for_in_chunks(make_case, count, chunks):
    found = sampled(make_case(), count)
    assert [len(chunk) for chunk in found] == chunks
    assert all(chunk.shape[1:] == (1, 1, 16) and chunk.dtype == torch.uint8 for chunk in found)


@pytest.mark.parametrize("latent", [9, 16])
def test_the_first_images_do_not_depend_on_the_count(make_case, latent):
    """Torch fills normal tensors sixteen numbers at a time and draws the rest anew, so that a shorter one is not the head of a longer."""
    case = make_case(latent)
    most = torch.cat(sampled(case, 2 * CHUNK + 100))
    for count in (1, 7, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK):
        assert torch.equal(torch.cat(sampled(case, count)), most[:count]), count


def test_no_two_chunks_are_alike(make_case):
    first, second = sampled(make_case(), 2 * CHUNK)
    assert not torch.equal(first, second)


def test_seed_and_stream_decide_the_images(make_case):
    def images(*arguments):
        return torch.cat(sampled(make_case(), 50, *arguments))

    assert torch.equal(images(0, "eval/report"), images(0, "eval/report"))
    assert not torch.equal(images(0, "eval/report"), images(1, "eval/report"))
    assert not torch.equal(images(0, "eval/report"), images(0, "eval/select"))


@pytest.mark.parametrize("dist", ["normal", "uniform"])
def test_z_follows_the_law_trained_with(make_case, dist):
    (found,) = sample_images(Identity(), make_case(dist=dist), PROTOCOL, 30, 5, "x", "cpu")
    z = fill_latent(torch.empty(CHUNK, 16), dist, stream(5, "x"))[:30]
    assert torch.equal(found, to_uint8(Identity()(z), (-1.0, 1.0)))


def test_the_case_says_which_range_g_makes(make_case):
    halved, whole = (torch.cat(sampled(make_case(fake_range=limits), 20)) for limits in ([-2.0, 2.0], [-1.0, 1.0]))
    assert halved.float().std() < 0.6 * whole.float().std()


def test_torch_s_own_stream_is_left_alone(make_case):
    of_torch = torch.get_rng_state()
    list(sampled(make_case(), 10))
    assert torch.equal(torch.get_rng_state(), of_torch)


class Conditional(nn.Module):
    """z (N, d), labels (N,) → one pixel that shows the label."""

    num_classes = 4

    def forward(self, z, labels):
        return labels.view(-1, 1, 1, 1).expand(-1, 1, 1, 1) / 3


def test_a_conditional_generator_gets_uniform_labels_on_a_stream_of_their_own(make_case):
    case = make_case(fake_range=[0.0, 1.0])

    def labels(count: int, seed: int = 0):
        chunks = sample_images(Conditional(), case, PROTOCOL, count, seed, "eval/report", "cpu")
        return (torch.cat(list(chunks)).flatten() // 85).tolist()

    found = labels(2 * CHUNK + 10)
    assert all(0.2 < found.count(label) / len(found) < 0.3 for label in range(4))
    assert labels(7) == found[:7] and labels(CHUNK + 3) == found[: CHUNK + 3] and labels(50, seed=1) != found[:50]
    plain = sampled(case, 50)  # a label drawn moves no latent
    z = fill_latent(torch.empty(CHUNK, 16), "normal", stream(0, "eval/report"))[:50]
    assert torch.equal(torch.cat(plain), to_uint8(Identity()(z), (0.0, 1.0)))


BATCHED = replace(PROTOCOL, fake_batch=64, batch_norm="of each batch")


def batched(g, case, count, **options):
    with generation_mode(g, BATCHED):
        return torch.cat(list(sample_images(g, case, BATCHED, count, 3, "eval/report", "cpu", **options)))


def test_batch_statistics_are_those_of_each_batch_of_64(generator, make_case):
    """What a generator left in train mode gives for z in batches of 64, from a plain copy of it."""
    case, twin = make_case(), copy.deepcopy(generator)
    twin.train()
    torch.manual_seed(0)
    latents, z, expected = stream(3, "eval/report"), torch.empty(64, 16), []
    for module in (generator.dropout, twin.dropout):
        module.p = 0.0  # its draws are another matter
    with torch.no_grad():
        for _ in range(3):
            expected.append(to_uint8(twin(fill_latent(z, "normal", latents)), (-1.0, 1.0)))
    found = batched(generator, case, 150)
    assert torch.equal(found, torch.cat(expected)[:150])
    assert torch.equal(batched(generator, case, 70), found[:70])  # whatever the count, each batch is a whole one
    running = torch.cat(list(sample_images(generator.eval(), case, PROTOCOL, 150, 3, "eval/report", "cpu")))
    assert (found != running).float().mean() > 0.2


def test_batch_statistics_leave_the_generator_and_the_stream_alone(generator, make_case):
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    modes = [module.training for module in generator.modules()]
    torch.manual_seed(4)
    of_torch = torch.get_rng_state()
    batched(generator, make_case(), 100)  # batch norm, dropout and spectral norm all have something to move
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert [module.training for module in generator.modules()] == modes
    assert torch.equal(torch.get_rng_state(), of_torch)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_outputs_that_are_no_numbers_are_refused_and_not_shown_as_black(make_case, bad):
    class Diverged(nn.Module):
        def forward(self, z):
            return torch.full((len(z), 1, 1, 1), bad)

    with pytest.raises(NotFinite, match="outputs are not finite"):
        list(sample_images(Diverged(), make_case(), PROTOCOL, 10, 0, "eval/report", "cpu"))
