"""The real side of a protocol: which images, in which order, extracted once and kept."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from ganzoo import data
from ganzoo.errors import DataError
from ganzoo.metrics import extractors, protocols, reals
from ganzoo.metrics.protocol import SHUFFLED, Protocol
from ganzoo.metrics.reals import ON_REALS, Source, order_of, reals_for


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reals, "_held", {})


@pytest.fixture
def noted(own_net) -> Protocol:
    """Reals for a network that notes its calls; few enough of each to be quick."""
    protocol = replace(protocols.get("own@own_net:Noted"), num_fake=60, num_neighbours=40, num_kid=50)
    extractors.load(protocol.extractor, "cpu")
    own_net.CALLS.clear()
    return protocol


def entries(tmp_path) -> list:
    return sorted((tmp_path / "cache" / "statistics").glob("*.safetensors"))


# order_of


def test_as_stored(small):
    assert order_of(replace(small, real_order="as stored"), 7).tolist() == list(range(7))
    assert order_of(replace(small, real_order="as stored", real_count=3), 7).tolist() == [0, 1, 2]


def test_the_shuffle_is_the_same_everywhere(small):
    shuffled = replace(small, real_order="shuffled")
    assert order_of(shuffled, 10).tolist() == [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]  # RandomState(0).permutation(10), frozen by numpy
    assert order_of(replace(shuffled, real_count=4), 10).tolist() == [2, 8, 4, 9]


@pytest.mark.parametrize(("count", "used"), [(130, 128), (128, 128), (127, 64), (63, 0)])
def test_whole_batches(small, count, used):
    assert order_of(replace(small, real_batch=64), count).tolist() == list(range(used))


def test_a_count_is_taken_before_batches_are_cut(small):
    assert len(order_of(replace(small, real_batch=64, real_count=130), 1000)) == 128


def test_more_than_there_are(small):
    with pytest.raises(DataError, match="asks for 8 reals, the set holds 7"):
        order_of(replace(small, real_count=8), 7)


# which images


def test_only_those_of_the_order_are_used(noted, own_net, pixels):
    images = pixels(100, 3)
    one = replace(noted, real_order="shuffled", real_count=70, real_batch=32)
    found = reals_for(one, images=images)
    features = extractors.load(one.extractor)(images[np.random.RandomState(0).permutation(100)[:64]])[0]
    assert found.moments.count == 64
    used = np.random.RandomState(0).permutation(100)[:64]
    chosen = np.argsort(np.random.RandomState(0).random_sample(used.max() + 1)[used])[:50] if one.subset == SHUFFLED else np.arange(50)
    assert torch.allclose(found.features, features[chosen], rtol=1e-5)  # the kernel distance takes most of them: 50
    assert torch.allclose(found.moments.mean, features.double().mean(0), rtol=1e-6)
    assert len(found.for_kid) == 50 and len(found.near) == 40


def test_images_of_the_set_itself_give_its_numbers(small):
    digits = data.load("digits", "train")
    named, given = reals_for(small), reals_for(small, images=digits.images)
    assert torch.equal(named.moments.mean, given.moments.mean) and torch.equal(named.features, given.features)


def test_a_source_overrides_what_the_protocol_names(small):
    found = reals_for(small, source=Source("digits", "test"))
    assert found.moments.count == 360


def test_the_same_bytes_in_another_shape_are_other_reals(noted, pixels):
    wide = pixels(60, 3)
    tall = wide.reshape(60, 3, 4, 16).contiguous()
    assert wide.numpy().tobytes() == tall.numpy().tobytes()
    assert not torch.equal(reals_for(noted, images=wide).moments.mean, reals_for(noted, images=tall).moments.mean)


def test_progress_counts_the_reals_that_are_used(noted, pixels):
    told = []
    reals_for(replace(noted, real_count=900), images=pixels(1000, 3), progress=lambda done, total: told.append((done, total)))
    assert len(told) > 2 and told == sorted(set(told)) and told[-1] == (900, 900)


# kept


def test_extracted_once_a_process_and_once_on_disk(noted, own_net, pixels, tmp_path):
    first = reals_for(noted, images=pixels(80, 3))
    assert sum(count for count, *_ in own_net.CALLS) == 80
    assert reals_for(noted, images=pixels(80, 3)) is first
    reals._held.clear()  # as in another process
    again = reals_for(noted, images=pixels(80, 3))
    assert sum(count for count, *_ in own_net.CALLS) == 80 and len(entries(tmp_path)) == 1
    assert again is not first
    assert torch.equal(again.moments.covariance, first.moments.covariance) and again.moments.count == 80
    assert torch.equal(again.features, first.features) and again.kid_term == first.kid_term and again.num_kid == 50
    assert torch.equal(again.near_radii, first.near_radii) and torch.equal(again.coverage_radii, first.coverage_radii)


OTHER = {
    "real_count": 70, "real_batch": 16, "real_order": "as stored", "real_range": (-1.0, 1.0), "channel_shift": True,
    "num_kid": 30, "num_neighbours": 30, "neighbours": 4, "coverage_neighbours": 4, "kid": "another", "subset": "the first",
}  # fmt: skip


@pytest.mark.parametrize("field", ON_REALS)
def test_each_field_that_moves_them_has_an_entry_of_its_own(noted, pixels, tmp_path, field):
    images = pixels(80, 3)
    reals_for(noted, images=images)
    reals_for(replace(noted, **{field: OTHER[field]}), images=images)
    assert len(entries(tmp_path)) == 2


def test_other_images_and_other_networks_have_entries_of_their_own(noted, own_net, pixels, tmp_path):
    reals_for(noted, images=pixels(80, 3))
    reals_for(noted, images=pixels(80, 3, seed=1))
    reals_for(replace(noted, extractor="own_net:ImageNetLike"), images=pixels(80, 3))
    assert len(entries(tmp_path)) == 3


def test_what_concerns_fakes_alone_shares_the_entry(noted, own_net, pixels, tmp_path):
    images = pixels(80, 3)
    whole = reals_for(noted, images=images)
    fakes_alone = {
        "num_fake": 77, "is_splits": 5, "mode_share": 0.5, "quantisation": "x", "ema": True, "name": "x", "jpeg": 75,
        "denormalised": False, "fake_range": (0.0, 1.0), "score_range": (0.0, 1.0), "checkpoint": "x", "latent": "x", "batch_norm": "x",
    }  # fmt: skip
    passes = len(own_net.CALLS)
    for field, value in fakes_alone.items():
        assert reals_for(replace(noted, **{field: value}), images=images) is whole, field
    assert len(own_net.CALLS) == passes and len(entries(tmp_path)) == 1


def test_every_field_is_known_to_move_the_reals_or_not():
    """A field added later must be put on one side."""
    images_and_network = {"extractor", "weights", "real_data", "real_split", "real_digest", "statistics", "preprocessing"}
    fakes_alone = {
        "name", "num_fake", "is_splits", "mode_share", "quantisation", "latent", "batch_norm", "ema", "denormalised", "jpeg",
        "fake_range", "fake_batch", "score_range", "checkpoint", "points",
    }  # fmt: skip
    assert {field.name for field in fields(Protocol)} == images_and_network | fakes_alone | set(ON_REALS)


def test_reals_that_do_not_fit_leave_nothing(small, pixels, tmp_path):
    with pytest.raises(DataError, match=r"the reals are images of shape \(3, 8, 8\), but digits-cnn reads 1 channel, 8×8"):
        reals_for(small, images=pixels(30, 3))
    assert not (tmp_path / "cache" / "statistics").exists()


def test_a_set_that_comes_class_by_class_is_not_compared_by_its_first_class(noted, own_net, pixels):
    """Dark images first, bright ones after: a part drawn by a fixed shuffle holds both, and the moments are those of all of them."""
    dark, bright = pixels(60, 3) // 4, 255 - pixels(60, 3, seed=1) // 4
    images = torch.cat([dark, bright])
    protocol = replace(noted, real_order="as stored", subset=SHUFFLED, num_kid=40, num_neighbours=40)
    network = extractors.load(protocol.extractor)
    of_dark = {tuple(row) for row in network(dark)[0].round(decimals=4).tolist()}
    found = reals_for(protocol, images=images)
    shares = [sum(tuple(row) in of_dark for row in part.round(decimals=4).tolist()) / 40 for part in (found.for_kid, found.near)]
    assert all(0.25 < share < 0.75 for share in shares)
    first = reals_for(replace(protocol, subset="the first"), images=images)
    assert all(tuple(row) in of_dark for row in first.near.round(decimals=4).tolist())
    assert torch.equal(found.moments.mean, first.moments.mean)


def test_a_few_reals_more_leave_the_others_drawn(noted, own_net, pixels):
    images, drawn = pixels(200, 3), replace(noted, real_order="as stored", subset=SHUFFLED, num_kid=40, num_neighbours=40)
    fewer, all_ = (reals_for(replace(drawn, real_batch=batch), images=images).near for batch in (64, None))  # 192 and 200
    rows = [{tuple(row) for row in part.round(decimals=4).tolist()} for part in (fewer, all_)]
    assert len(rows[0] & rows[1]) >= 36
