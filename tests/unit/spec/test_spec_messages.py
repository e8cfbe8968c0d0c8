"""A spoilt spec is refused with file, line, value, what was expected, and the nearest valid name."""

from __future__ import annotations

import random
import re

import pytest
from small_spec import SMALL, line_of, spoilt

from ganzoo.errors import SpecError
from ganzoo.spec.metric_names import DIRECTION

BATCH = "    batch_size: 32"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("-4", "train.batch_size is -4, expected a whole number above 0."),
        ("0", "train.batch_size is 0, expected a whole number above 0."),
        ("12.5", "train.batch_size is 12.5, expected a whole number above 0."),
        ('"32"', "train.batch_size is '32', expected a whole number above 0: write it without quotes."),
        ("1e3", "train.batch_size is '1e3', expected a whole number above 0: write 1000."),
        ("many", "train.batch_size is 'many', expected a whole number above 0."),
        ("[32]", "train.batch_size is [32], expected a whole number above 0."),
        ("", "train.batch_size is null, expected a whole number above 0."),
        ("true", "train.batch_size is true, expected a whole number above 0."),
    ],
)
def test_wrong_value(refusal, written, sentence):
    assert refusal((BATCH, f"    batch_size: {written}")) == f"small.yaml:{line_of(SMALL, 'batch_size')}: {sentence}"


@pytest.mark.parametrize(
    ("edit", "at", "sentence"),
    [
        (
            ("g: {name: adam, lr: 2.0e-4", "g: {name: adam, lr: 2e-4"),
            "g: {name",
            "optim.g.lr is '2e-4', expected a number above 0: YAML takes 2e-4 for text, write 2.0e-4.",
        ),
        (
            ("g: {name: adam, lr: 2.0e-4", "g: {name: adam, lr: 5e4"),
            "g: {name",
            "optim.g.lr is '5e4', expected a number above 0: YAML takes 5e4 for text, write 5.0e+4.",
        ),
        (
            ("g: {name: adam, lr: 2.0e-4, betas: [0.5, 0.999]}", "g: {name: adam, lr: 1, betas: [0.5, 1]}"),
            "g: {name",
            "optim.g.betas[1] is 1, expected a number at least 0 and below 1.",
        ),
        (("g: {name: adam", "g: {name: adan"), "g: {name", "optim.g.name is 'adan'. Did you mean 'adam'? Valid: adam, sgd."),
        (("g: {name: adam, ", "g: {"), "g: {name", "optim.g.name is missing, expected one of adam, sgd."),
        (("range: [-1, 1]", "range: [1, -1]"), "data: {", "data.range: [1.0, -1.0] does not rise, expected [low, high]."),
        (("range: [-1, 1]", "range: 1"), "data: {", "data.range is 1, expected a list of 2, each a number."),
        (("{protocol: digits-cnn, truncations: [0.5, 1.0], probe: true}", "{protocol: 3}"), "eval:", "eval.protocol is 3, expected text."),
        (
            ("document: small", "document: a/b"),
            "document:",
            "document is 'a/b', expected text of letters, digits, '.', '_' and '-', a letter or digit first, at most 100.",
        ),
        (
            ("metric: frechet", "metric: freschet"),
            "- {id: C1",
            f"claims[0].metric is 'freschet'. Did you mean 'frechet'? Valid: {', '.join(sorted(DIRECTION))}.",
        ),
        (
            ("kind: ordering", "kind: order"),
            "- {id: C1",
            "claims[0].kind is 'order'. Did you mean 'ordering'? Valid: cost, event, no-difference, ordering, paired, trend.",
        ),
        (("    margin: 0.1\n", ""), "- id: C2", "claims[1].margin is missing, expected a number above 0."),
        (("margin_kind: relative", "margin_kind: share"), "margin_kind", "claims[1].margin_kind is 'share'. Valid: absolute, relative."),
        (("worse: original", "worse: longer"), "- {id: C1", "claims[0]: compares a case with itself: longer, longer."),
        (
            ("  longer:\n", "  ../longer:\n"),
            "  longer:",
            "'../longer' cannot be a name in cases, expected letters, digits, '.', '_' and '-', a letter or digit first, at most 100.",
        ),
        (("original: {}", "original: 3"), "original: {}", "cases.original is 3, expected a mapping (key: value)."),
    ],
)
def test_line_value_and_expectation(refusal, edit, at, sentence):
    assert f"small.yaml:{line_of(SMALL, at)}: {sentence}" in refusal(edit).splitlines()


def test_unknown_keys_offer_the_nearest(refusal):
    assert "unknown key 'train.batchsize'. Did you mean 'batch_size'?" in refusal(("batch_size", "batchsize"))
    assert "unknown key 'claim'. Did you mean 'claims'?" in refusal(("claims:", "claim:"))
    assert "unknown key 'claims[0].mteric'. Did you mean 'metric'?" in refusal(("metric: frechet", "mteric: frechet"))
    assert "model 'dense' has no option 'widht'. Did you mean 'width'? Valid: init, slope, width." in refusal(("width: 16", "widht: 16"))


def test_all_faults_of_a_level_are_reported_at_once(refusal):
    faults = refusal((BATCH, "    batch_size: -1"), ("epochs: 10", "epochs: x")).splitlines()
    assert [fault.split(": ")[1].split()[0] for fault in faults] == ["train.batch_size", "train.epochs"]


def test_names_are_looked_up_in_the_catalogue(refusal, load):
    names = [("name: dense", "name: dens"), ("name: digits", "name: digit"), ("protocol: digits-cnn", "protocol: cnn")]
    for edit, says in zip(
        names,
        [
            "model.name: unknown model 'dens'",
            "data.name is 'digit', which is not known. Did you mean 'digits'?",
            "eval.protocol: unknown protocol 'cnn'",
        ],
        strict=True,
    ):
        assert f"small.yaml:{line_of(SMALL, edit[0])}: {says}" in refusal(edit)
        load(edit, checked=False)


def test_model_options_are_checked_by_the_model(refusal):
    line = line_of(SMALL, "width: 16")
    assert refusal(("width: 16", "width: 0")) == f"small.yaml:{line}: model.width is 0, expected a number above 0."
    assert refusal(("width: 16", "width: 1e1")) == f"small.yaml:{line}: model.width is '1e1', expected a whole number: write 10."
    assert refusal(("width: 16", "init: smal")) == f"small.yaml:{line}: model.init is 'smal'. Did you mean 'small'? Valid: large, small."


@pytest.mark.parametrize("raised", [KeyError("no such model"), ImportError("no such model"), ValueError("no such model")])
def test_whatever_the_catalogue_raises_becomes_a_message(refusal, catalogue, monkeypatch, raised):
    def fail(name, options):
        raise raised

    monkeypatch.setattr(catalogue, "check_model", fail)
    assert refusal() == f"small.yaml:{line_of(SMALL, 'model: {')}: model.name is 'dense': no such model"


@pytest.mark.parametrize("path", ["../secret", "a/../../b", "..\\b", ""])
def test_path_that_leaves_the_data_folder(refusal, path):
    assert "without '..'" in refusal(("range: [-1, 1]", f"range: [-1, 1], path: '{path}'"))


def test_spoilt_specs_never_end_in_a_traceback(load):
    """Any edit either loads or is refused with file and line."""
    chance = random.Random(0)
    bits = ["null", "-1", "1e3", "yes", "[]", "{}", "{a: 1}", "&a", "*a", "- ", "", "?", ".inf", "{name: sgd}", "\t", "'", '"', "}"]
    refused = 0
    for _ in range(400):
        lines = SMALL.split("\n")
        at = chance.randrange(len(lines))
        key, colon, _rest = lines[at].partition(":")
        words = lines[at].split(" ")
        words[chance.randrange(len(words))] = chance.choice(bits)
        lines[at : at + 1] = chance.choice([[], [lines[at]] * 2, [f"{key}{colon} {chance.choice(bits)}"], [" ".join(words)]])
        try:
            load(text="\n".join(lines))
        except SpecError as error:
            refused += 1
            assert all(re.match(r"small\.yaml:\d+: .", line) for line in str(error).splitlines()), str(error)
    assert refused > 200


def test_helper_spoils_only_what_is_there():
    with pytest.raises(AssertionError):
        spoilt(("not there", ""))
