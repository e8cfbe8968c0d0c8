"""A matrix: the product of axes as cases."""

from __future__ import annotations

import pytest
from small_spec import spoilt

MATRIX = """\
matrix:
  name: "net-{batch}-{length}"
  title: batch {batch}, {length}
  axes:
    batch: {"32": {}, "64": {train.batch_size: 64}}
    length:
      short: {train.epochs: 10}
      long: {train.epochs: 40, train.ema: 0.9}
  source:
    train: {stated: "table 1"}
    train.ema: {assumed: x}

tiers:
"""
TEXT = spoilt(
    ("  original: {}\n", ""),
    ("worse: original", "worse: net-32-short"),
    ("[original, sgd]", "[sgd, net-64-long]"),
    ("tiers:\n", MATRIX),
)


def test_every_point_is_a_case(load):
    spec = load(text=TEXT)
    assert list(spec.cases) == ["longer", "sgd", "net-32-short", "net-32-long", "net-64-short", "net-64-long"]
    train = spec.resolve("net-64-long").case.train
    assert (train.batch_size, train.epochs, train.ema) == (64, 40, 0.9)
    assert spec.resolve("net-32-short").case.train.epochs == 10
    assert spec.cases["net-64-long"].title == "batch 64, long"


def test_sources_of_a_point(load):
    sources = load(text=TEXT).resolve("net-32-long").sources
    assert sources["train.epochs"] == {"kind": "stated", "text": "table 1"}
    assert sources["train.ema"] == {"kind": "assumed", "text": "x"}
    assert sources["train.batch_size"] == {"kind": "code", "text": "nets.py at 0a1b2c"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("net-{batch}-{length}", "net-{batch}", "matrix: name 'net-{batch}' must hold each axis once in braces: {batch}, {length}."),
        ("net-{batch}-{length}", "net/{batch}-{length}", "the matrix names a case 'net/32-short'"),
        ("net-{batch}-{length}", "sgd", "must hold each axis"),
        ('  name: "net-{batch}-{length}"', '  name: "{batch}{length}"\n  extra: 1', "unknown key 'matrix.extra'."),
        ('"64": {train.batch_size: 64}', '"64": {train.epochs: 64}', "axis 'length' sets train.epochs, and another axis sets train.epochs"),
        ('"64": {train.batch_size: 64}', '"64": {train.batch: 64}', "case 'net-64-short' overrides 'train.batch', which does not exist."),
        ('"64": {train.batch_size: 64}', '"64": {train.batch_size: 0}', "case 'net-64-short': train.batch_size is 0, expected a whole"),
        ('"64": {train.batch_size: 64}', '"64": {train.batch_size: 32}', "cases 'net-32-short' and 'net-64-short' are the same"),
        ('"32": {}', "32: {}", 'key 32 is not text, write "32" in quotes'),
        ('    train: {stated: "table 1"}\n', "", "has no source"),
        ("    train.ema: {assumed: x}\n", "    train.em: {assumed: x}\n", "source for 'train.em', which is not set here."),
        ('batch: {"32": {}, "64": {train.batch_size: 64}}', "batch: {}", "matrix.axes.batch is {}"),
    ],
)
def test_refused(refusal, old, new, says):
    assert TEXT.count(old) == 1
    assert says in refusal(text=TEXT.replace(old, new))


def test_two_points_with_one_name(refusal):
    text = TEXT.replace("net-{batch}-{length}", "n{batch}{length}").replace("short:", '"1":').replace("long:", '"21":')
    text = text.replace('"32": {}', '"2": {}').replace('"64":', '"22":').replace("net-32-short", "sgd").replace("net-64-long", "longer")
    assert "the matrix names a case 'n221'" in refusal(text=text)


def test_a_product_that_is_too_large_is_refused_at_once(refusal):
    values = ", ".join(f"v{n}: {{train.epochs: {n + 100}}}" for n in range(40))
    axes = "".join(f"    a{n}: {{{values}}}\n" for n in range(12))
    name = "".join(f"{{a{n}}}" for n in range(12))
    start, end = TEXT.index("matrix:"), TEXT.index("  source:\n    train:")
    text = f'{TEXT[:start]}matrix:\n  name: "{name}"\n  axes:\n{axes}{TEXT[end:]}'
    assert f"the axes give {40**12} cases, expected at most 1000" in refusal(text=text)
