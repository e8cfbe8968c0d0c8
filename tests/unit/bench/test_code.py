"""The code digest follows what Python runs, and nothing else."""

from __future__ import annotations

from ganzoo.bench import code
from ganzoo.bench.code import digest_of_source, science_digest

SOURCE = '"""Doc."""\nX = 1\n\ndef f(a):\n    """Doc."""\n    return a + X  # why\n'


def test_comments_docstrings_and_layout_do_not_count():
    bare = "X = 1\ndef f(a):\n\n    return (a\n      + X)\n"
    assert digest_of_source(SOURCE) == digest_of_source(bare)


def test_a_number_or_an_operator_counts():
    assert digest_of_source(SOURCE) != digest_of_source(SOURCE.replace("X = 1", "X = 2"))
    assert digest_of_source(SOURCE) != digest_of_source(SOURCE.replace("a + X", "a - X"))


def test_a_models_own_file_counts_and_another_models_does_not():
    assert science_digest("mlp-gan") != science_digest("conv-gen-gan")
    assert science_digest("ganzoo.models.mlp:MLPGAN") == science_digest("mlp-gan")


def test_every_science_path_exists():
    """A renamed file must not silently drop out of the digest."""
    for part in (*code.SCIENCE, *code.NOT_SCIENCE):
        assert (code.ROOT / part).exists(), part
