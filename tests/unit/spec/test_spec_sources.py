"""Every setting of a resolved case says where it comes from; the spec must say so for every value it writes."""

from __future__ import annotations

import pytest
from small_spec import SMALL, line_of

from ganzoo.spec import dotted

LONGER_SOURCE = '    source: {stated: "§3"}\n'


def test_every_setting_has_a_source(load):
    spec = load()
    for case in spec.cases:
        for tier in spec.tiers:
            resolved = spec.resolve(case, tier)
            assert list(resolved.sources) == list(dotted(resolved.as_dict()))
            assert {source["kind"] for source in resolved.sources.values()} <= {"stated", "code", "assumed", "suite"}


def test_the_closest_branch_wins(load):
    sources = load().resolve("original").sources
    assert sources["model.width"] == {"kind": "stated", "text": "§1"}
    assert sources["model.latent.dim"] == {"kind": "assumed", "text": "nothing is said"}
    assert sources["train.epochs"] == {"kind": "code", "text": "nets.py at 0a1b2c"}


def test_a_branch_vouches_only_for_what_is_written(load):
    """`model: {stated: …}` says nothing about options and settings that the spec leaves to their defaults."""
    sources = load().resolve("original").sources
    assert sources["model.latent.dist"] == {"kind": "assumed", "text": "suite default: z ~ N(0, 1) or U(-1, 1), per entry"}
    assert sources["optim.g.eps"] == {"kind": "assumed", "text": "suite default: added to the root of the second moment"}
    assert sources["model.slope"] == {"kind": "assumed", "text": "suite default: the option is left to the model"}


def test_one_source_for_a_case(load):
    sources = load().resolve("longer").sources
    assert sources["train.epochs"] == {"kind": "stated", "text": "§3"}
    assert sources["train.batch_size"] == {"kind": "code", "text": "nets.py at 0a1b2c"}


def test_sources_path_by_path_for_a_case(load):
    sources = load().resolve("sgd").sources
    assert sources["optim.d.name"] == {"kind": "stated", "text": "§4"}
    assert sources["optim.d.lr"] == {"kind": "assumed", "text": "a default of the time"}
    assert sources["optim.d.momentum"]["text"].startswith("suite default: ")
    assert sources["optim.g.lr"] == {"kind": "assumed", "text": "habit"}


def test_a_tier_vouches_for_its_values(load):
    sources = load().resolve("longer", "smoke").sources
    assert sources["train.max_steps"] == sources["data.limit"] == {"kind": "suite", "text": "tier 'smoke'"}
    assert sources["train.epochs"] == {"kind": "stated", "text": "§3"}


def test_sources_of_the_base(load):
    assert set(load().sources) == set(load().base.sources) >= {"data.name", "data.range", "train.epochs", "optim.d.betas"}


@pytest.mark.parametrize(
    ("edit", "at", "says"),
    [
        (
            ('  data: {stated: "§2"}\n', ""),
            "  data: {name",
            "data.name has no source; add data.name: {stated|code|assumed|suite: place or reason} to sources.",
        ),
        (('  data: {stated: "§2"}\n', '  data.name: {stated: "§2"}\n'), "  data: {name", "data.range has no source"),
        ((LONGER_SOURCE, ""), "    train.epochs: 20", "train.epochs has no source; add train.epochs: {stated|code|assumed|suite: place or"),
        (('      optim.d: {assumed: "a default of the time"}\n', ""), "    optim.d: {name: sgd", "optim.d.lr has no source"),
        (("  train: {code:", "  trian: {code:"), "  train: {code:", "source for 'trian', which is not set here. Did you mean 'train"),
        (
            ('  data: {stated: "§2"}', "  data.split: {stated: x}\n  data: {stated: y}"),
            "  data: {stated",
            "source for 'data.split', which is not set here.",
        ),
        (
            ("      optim.d.name: {stated", "      optim.d.nam: {stated"),
            "      optim.d.name",
            "source for 'optim.d.nam', which is not set here.",
        ),
        (("original: {}", "original: {source: {stated: x}}"), "original: {}", "a source, but nothing is set here."),
        (('data: {stated: "§2"}', 'data: {said: "§2"}'), "  data: {stated", "unknown key 'sources.data.said'."),
        (
            ('data: {stated: "§2"}', 'data: {stated: "§2", code: x}'),
            "  data: {stated",
            "sources.data: a source has exactly one of stated, code, assumed, suite, got stated, code.",
        ),
        (
            ('data: {stated: "§2"}', "data: {}"),
            "  data: {stated",
            "sources.data: a source has exactly one of stated, code, assumed, suite, got none.",
        ),
        (
            ('data: {stated: "§2"}', "data: {stated: ''}"),
            "  data: {stated",
            "sources.data.stated is '', expected text that is not empty or null.",
        ),
        ((LONGER_SOURCE, "    source: {stated: 3}\n"), LONGER_SOURCE, "source is {stated: 3}"),
        ((LONGER_SOURCE, "    source: here\n"), LONGER_SOURCE, "cases.longer.source is 'here', expected a mapping (key: value) or null."),
        (
            (LONGER_SOURCE, "    source: {train.epochs: here}\n"),
            LONGER_SOURCE,
            "source is 'here', expected {KIND: text} with one of stated, code,",
        ),
    ],
)
def test_refused_at_its_line(refusal, edit, at, says):
    faults = refusal(edit).splitlines()
    assert any(fault.startswith(f"small.yaml:{line_of(SMALL, at)}: {says}") for fault in faults), faults
