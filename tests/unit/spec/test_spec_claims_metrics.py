"""Names of metrics and events in claims: what they are turned into, and what is refused."""

from __future__ import annotations

import pytest
from small_spec import SMALL

from ganzoo.judge.metrics import LABEL, label
from ganzoo.spec import Paired
from ganzoo.spec.metric_names import DIRECTION, EPOCH_OF, EVENTS, direction, only_at_the_end, parted

OLD = ["frechet", "kid", "is", "precision", "recall", "density", "coverage", "modes", "entropy", "d_loss_variation", "g_loss_variation"]
CLAIM = SMALL + "  - {id: C9, text: t, where: w, %s}\n"
ORDERING = "kind: ordering, metric: %s, better: sgd, worse: longer"
PAIRED = "kind: paired, case: sgd, better: %s, worse: %s"
EVENT = "kind: event, event: %s, cases: [sgd], expected: happens"


@pytest.mark.parametrize("name", [*OLD, "seconds_per_epoch", "probe_d", "probe_untrained_g", "d_loss_mean", "epoch_of_samples_collapsed"])
def test_plain_names(load, name):
    assert load(text=CLAIM % ORDERING % name).claims[-1].metric == name


@pytest.mark.parametrize("written", ["frechet@1", "frechet@1.0", "frechet@1.", "frechet@1e0", "frechet@01.00", "frechet@10e-1"])
def test_a_threshold_has_one_spelling(load, written):
    assert load(text=CLAIM % ORDERING % written).claims[-1].metric == "frechet@1.0"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("frechett", "claims[2].metric is 'frechett'. Did you mean 'frechet'? Valid: coverage, "),
        ("epoch_of_collapse", "Did you mean 'epoch_of_"),
        ("probe", "Did you mean 'probe_"),
        ("frechett@1", "claims[2].metric: 'frechett@1' names a truncation, but 'frechett' is no metric. Did you mean 'frechet'?"),
        ("probe_d@1", "claims[2].metric: 'probe_d@1' names a truncation, but 'probe_d' is not measured on generated images. Valid"),
        ("epoch_of_nan@1", "'epoch_of_nan' is not measured on generated images"),
        *[(f"'frechet@{bad}'", "expected a number above 0 after the @, as in 'frechet@1.0'.")
          for bad in ("", ".", "0", "-1", "inf", "nan", "1e999", "1.0.0", "one", "1_0", " 1", "e5", "1@2")],
    ],
)  # fmt: skip
def test_unknown_names_are_refused_with_the_nearest(refusal, written, says):
    told = refusal(text=CLAIM % ORDERING % written)
    assert says in told and told.startswith("small.yaml:55: claims[2].metric") and ".." not in told


def test_every_name_has_a_way_a_label_and_a_place():
    assert set(OLD) < set(DIRECTION) < set(LABEL) and list(EPOCH_OF.values()) == list(EVENTS)
    assert EPOCH_OF["epoch_of_samples_collapsed"] == "samples-collapsed"
    assert (direction("frechet@0.5"), direction("is@0.5"), direction("probe_d"), direction("epoch_of_nan")) == (
        "lower", "higher", "higher", "higher",
    )  # fmt: skip
    assert direction("d_loss_mean") == "higher" and "a description" in LABEL["d_loss_mean"]
    assert (parted("kid@0.5"), parted("kid")) == (("kid", 0.5), ("kid", None))
    assert label("frechet@0.5", {"labels": {"frechet": "FID"}}) == "FID, z truncated at 0.5"
    assert "accuracy" in label("probe_d") and "samples-collapsed" in label("epoch_of_samples_collapsed")
    assert [only_at_the_end(name) for name in ("frechet@1.0", "probe_g", "frechet", "d_loss_mean")] == [True, True, False, False]


def test_what_only_a_case_s_end_measures_has_no_best(refusal, load):
    for metric in ("frechet@1", "probe_d"):
        assert "is measured at a case's last evaluation alone" in refusal(text=CLAIM % (ORDERING % metric + ", reading: best"))
    assert load(text=CLAIM % (ORDERING % "epoch_of_nan" + ", reading: best")).claims[-1].reading == "best"
    assert "probe_d is measured at" in refusal(text=CLAIM % (PAIRED % ("probe_d", "is") + ", reading: best"))


def test_published_numbers_take_the_same_names(load, refusal):
    row = "numbers:\n  - {table: t1, cell: c1, case: longer, metric: %s}\n"
    assert load(text=SMALL + row % "is@1").numbers[0].metric == "is@1.0"
    assert "numbers[0].metric is 'fid'" in refusal(text=SMALL + row % "fid")


def test_paired(load):
    claim = load(text=CLAIM % PAIRED % ("frechet@1", "frechet")).claims[-1]
    assert isinstance(claim, Paired) and claim.case_names == ["sgd"] and claim.metrics == ["frechet@1.0", "frechet"]


@pytest.mark.parametrize(
    ("better", "worse", "says"),
    [
        ("probe_d", "frechet", "claims[2]: probe_d is better the higher, frechet is better the lower: expected two metrics"),
        ("kid@1", "kid@1.0", "claims[2]: compares kid@1.0 with itself."),
        ("probe_d", "probe_pixel", "claims[2].worse is 'probe_pixel'. Did you mean 'probe_pixels'?"),
    ],
)  # fmt: skip
def test_paired_metrics_must_be_comparable(refusal, better, worse, says):
    assert says in refusal(text=CLAIM % PAIRED % (better, worse))


def test_the_case_of_a_paired_claim_exists(refusal):
    told = refusal(text=CLAIM % "kind: paired, case: sdg, better: probe_d, worse: probe_pixels")
    assert "claim 'C9': case is 'sdg', which is no case. Did you mean 'sgd'?" in told


@pytest.mark.parametrize(("written", "kinds"), [("nan", ["nan"]), ("[nan, loss-swing]", ["nan", "loss-swing"]), ("[nan]", ["nan"])])
def test_events_one_or_several(load, written, kinds):
    claim = load(text=CLAIM % (EVENT % written + ", after_epochs: 2, within_epochs: 20")).claims[-1]
    assert (claim.event, claim.after_epochs, claim.within_epochs) == (kinds, 2.0, 20.0)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (EVENT % "sample-collapsed", "claims[2].event is 'sample-collapsed'. Did you mean 'samples-collapsed'? Valid: all-real, "),
        (EVENT % "[nan, lost]", "claims[2].event: 'lost' is no event."),
        (EVENT % "[nan, nan]", "claims[2].event: an event stands twice in nan, nan."),
        (EVENT % "[]", "claims[2].event: [] is no event, expected one kind or a list of some. Valid: all-real, d-saturated, "),
        (EVENT % "3", "claims[2].event: 3 is no event, expected one kind or a list of some."),
        (EVENT % "nan" + ", within_epochs: 0", "claims[2].within_epochs is 0, expected a number above 0"),
        (EVENT % "nan" + ", after_epochs: -1", "claims[2].after_epochs is -1, expected a number at least 0"),
        (EVENT % "nan" + ", after_epochs: 9, within_epochs: 5", "claims[2]: after_epochs is 9, beyond within_epochs 5."),
    ],
)
def test_events_that_cannot_be(refusal, fields, says):
    assert says in refusal(text=CLAIM % fields)


def test_a_metric_that_the_case_does_not_measure_is_refused(refusal):
    """Hours of training later it would be no evidence."""
    asked = (CLAIM % ORDERING % "frechet@2.0").replace("truncations: [0.5, 1.0]", "truncations: [0.5]")
    assert "frechet@2.0 is measured at 2, which is not among case" in refusal(text=asked) and "[0.5]. Add it there." in refusal(text=asked)
    unprobed = (CLAIM % ORDERING % "probe_d").replace("probe: true", "probe: false")
    assert "probe_d is not measured by case" in (said := refusal(text=unprobed)) and "Set its eval.probe: true." in said


def test_only_pairs_have_targets(refusal):
    says = refusal(text=CLAIM % (ORDERING % "ssim"))
    assert "claim 'C9': ssim is not measured by case 'sgd', whose data set is 'digits': only 'pairs' has targets." in says
