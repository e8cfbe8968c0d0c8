"""The specs that ship: that they load with the real catalogue, and that `liu` says what its document says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ganzoo.bench.catalogue import Catalogue
from ganzoo.bench.plan import trajectory
from ganzoo.judge.references import load_document
from ganzoo.spec import Spec, dotted, find_specs, load_spec
from ganzoo.spec.metric_names import parted

ROOT = Path(__file__).resolve().parents[3]
FILES = find_specs(ROOT / "benchmarks" / "specs")
PUBLISHED = ROOT / "reference_results" / "published"

# What each case of the report changes, from its text (§1.1, §1.2, §2 (2), §3).
LIU = {
    "original": {},
    "epochs-50": {"train.epochs": 50},
    "epochs-100": {"train.epochs": 100},
    "epochs-150": {"train.epochs": 150},
    "epochs-300": {"train.epochs": 300},
    "width-128": {"model.hidden_g": [128] * 4, "model.hidden_d": [128] * 4},
    "g-dropout-40": {"model.dropout_g": 0.4},
    "d-dropout-30": {"model.dropout_d": 0.3},
    "d-dropout-40": {"model.dropout_d": 0.4},
    "d-dropout-50": {"model.dropout_d": 0.5},
    "d-sgd": {"model.dropout_d": 0.3, "optim.d.name": "sgd", "optim.d.lr": 0.01, "optim.d.momentum": 0.0},
    "unnormalised": {"data.range": [0.0, 255.0]},
    "g-batchnorm": {"model.batchnorm_g": True},
    "noise-uniform": {"model.latent.dist": "uniform"},
    "conv": {"model.name": "conv-gen-gan", "model.filters": [8, 16, 32], "model.kernel": 3, "model.dropout_d": 0.3},
    "conv-epochs-100": {
        "model.name": "conv-gen-gan",
        "model.filters": [8, 16, 32],
        "model.kernel": 3,
        "model.dropout_d": 0.3,
        "train.epochs": 100,
    },
    "conv-filters-16-32-64": {"model.name": "conv-gen-gan", "model.filters": [16, 32, 64], "model.kernel": 3, "model.dropout_d": 0.3},
}


@pytest.fixture(scope="module", params=FILES)
def spec(request) -> Spec:
    return load_spec(FILES[request.param], Catalogue())


@pytest.fixture(scope="module")
def liu() -> Spec:
    return load_spec(FILES["liu"], Catalogue())


def test_opens_with_command_cost_and_expectation(spec):
    assert f"ganzoo run {spec.name}" in spec.header
    assert "\nCost: " in spec.header
    assert "\nExpect: " in spec.header


def test_smoke_tier_is_small_for_every_case(spec):
    for name in spec.cases:
        case = spec.resolve(name, "smoke").case
        assert case.train.max_steps <= 20
        assert case.eval.num_fake + case.eval.num_select <= 500
        assert case.data.limit <= 512


def test_every_margin_is_explained(spec):
    assert all(claim.note for claim in spec.claims if claim.kind == "no-difference")


def test_every_cost_ratio_is_explained(spec):
    assert all(claim.note for claim in spec.claims if claim.kind == "cost")


def test_liu_has_the_cases_of_the_report(liu):
    original = dotted(liu.resolve("original").as_dict())
    changes = {}
    for name in liu.cases:
        case = dotted(liu.resolve(name).as_dict())
        changes[name] = {path: value for path, value in case.items() if original.get(path) != value}
    assert changes == LIU


def test_liu_base_is_what_the_report_states(liu):
    resolved = liu.resolve("original")
    case = resolved.case
    assert (case.model.name, case.data.name, case.data.range) == ("mlp-gan", "mnist", (-1.0, 1.0))
    assert case.model.options["hidden_g"] == [128, 256, 512, 1024]
    assert case.model.options["hidden_d"] == [1024, 512, 256, 128]
    assert (case.train.batch_size, case.train.epochs, case.optim.g.name, case.optim.d.name) == (128, 30, "adam", "adam")
    for path in ("model.hidden_g", "model.hidden_d", "train.batch_size", "train.epochs", "data.range", "optim.g.name", "optim.d.name"):
        assert resolved.sources[path]["kind"] == "stated", path


def test_liu_admits_what_the_report_leaves_open(liu):
    sources = liu.resolve("original").sources
    for path in ("optim.g.lr", "optim.d.lr", "optim.g.betas", "model.slope", "model.latent.dim", "model.init", "recipe.name"):
        assert sources[path]["kind"] == "assumed", path
    assert liu.resolve("d-sgd").sources["optim.d.lr"]["kind"] == "assumed"
    assert liu.resolve("d-sgd").sources["optim.d.name"]["kind"] == "stated"
    assert liu.resolve("unnormalised").sources["data.range"]["kind"] == "assumed"


def test_liu_unnormalised_samples_are_read_generously(liu):
    assert liu.resolve("unnormalised").case.eval.fake_range == (-1.0, 1.0)


def test_liu_dense_epoch_cases_are_one_trajectory(liu):
    cases = [dotted(liu.resolve(name).as_dict()) for name in ("original", "epochs-50", "epochs-100", "epochs-150", "epochs-300")]
    assert len({str({path: value for path, value in case.items() if path != "train.epochs"}) for case in cases}) == 1


def test_liu_every_read_off_epoch_is_evaluated(liu):
    for tier in ("full", "cpu"):
        for name in liu.cases:
            case = liu.resolve(name, tier).case
            assert case.train.epochs % case.eval.every_epochs == 0, (name, tier)


def test_liu_judges_fourteen_of_its_claims(liu):
    """L1 to L14; what else the published file names is left unjudged, and the two files agree on it."""
    kinds = {claim.id: claim.kind for claim in liu.claims}
    assert kinds == {
        "L1a": "trend",
        **dict.fromkeys(("L2", "L4", "L6", "L7", "L10", "L12", "L13-d", "L13-g"), "ordering"),
        **dict.fromkeys(("L3", "L5", "L8", "L9", "L11"), "no-difference"),
        **dict.fromkeys(("L1b", "L13", "L13-dense"), "event"),
        **dict.fromkeys(("L14a", "L14b"), "cost"),
    }
    published = load_document(ROOT / "reference_results" / "published" / "liu.yaml")
    assert [claim.id for claim in published.unjudged(kinds)] == ["L15", "L16", "L17"]
    said = next(line for line in liu.path.read_text(encoding="utf-8").splitlines() if line.startswith("# Not judged:"))
    assert re.findall(r"L\d+b?", said) == ["L15", "L16", "L17"]


@pytest.mark.parametrize(
    ("claim_id", "better", "worse"),
    [
        ("L2", "original", "width-128"),
        ("L4", "d-dropout-30", "original"),
        ("L6", "d-dropout-30", "d-sgd"),
        ("L7", "original", "unnormalised"),
        ("L10", "conv-epochs-100", "conv"),
        ("L12", "original", "noise-uniform"),
    ],
)
def test_liu_orderings_point_the_way_the_report_says(liu, claim_id, better, worse):
    claim = next(claim for claim in liu.claims if claim.id == claim_id)
    assert (claim.better, claim.worse) == (better, worse)


def test_quickstart_asks_open_questions_of_stand_in_data():
    spec = load_spec(FILES["quickstart"], Catalogue())
    assert all(spec.resolve(name).stand_in == "MNIST" for name in spec.cases)
    assert len(spec.seeds) >= 3
    assert len(spec.claims) >= 3
    assert len({claim.kind for claim in spec.claims}) >= 2


# What each case gives up, by the article's list of practices (its summary) and settings.
MACHINECURVE = {
    "dense": "model",
    "dense-hidden": "model.hidden_dense",
    "pooling": "model.down",
    "upsampling": "model.up",
    "no-batchnorm": "model.batchnorm",
    "d-relu": "model.activation_d",
    "g-tanh": "model.activation_g",
    "lr-1e-3": "optim.g.lr optim.d.lr",
    "beta1-0.9": "optim.g.betas optim.d.betas",
    "init-default": "model.init",
}


def shipped(name: str) -> Spec:
    return load_spec(FILES[name], Catalogue())


def changed(spec: Spec, case: str, base: str) -> dict[str, object]:
    """dotted path → value, where the case trains otherwise than the base case."""
    ours, theirs = (dotted(spec.resolve(name).as_dict()) for name in (case, base))
    return {path: value for path, value in ours.items() if theirs.get(path) != value and not path.startswith("eval.")}


def test_machinecurve_gives_up_one_practice_at_a_time():
    spec = shipped("machinecurve")
    assert set(spec.cases) == {"dcgan", "conv-alone", *MACHINECURVE}
    for name, paths in MACHINECURVE.items():
        differs = set(changed(spec, name, "dcgan"))
        if paths == "model":
            assert {path.split(".")[0] for path in differs} == {"model"}
        else:
            assert differs == set(paths.split())
    practices = {path for path in MACHINECURVE.values() if path.startswith("model.")} - {"model.init"}
    assert set(changed(spec, "conv-alone", "dcgan")) == practices


def test_machinecurve_has_the_numbers_of_the_article():
    spec = shipped("machinecurve")
    told = {number.what: number.value for number in load_document(PUBLISHED / "machinecurve.yaml").claim("M3").numbers}
    base, faster, slower = (spec.resolve(name).case for name in ("dcgan", "lr-1e-3", "beta1-0.9"))
    assert base.train.batch_size == told["batch size"]
    assert base.model.options["init"] == f"normal-{told['standard deviation of the initial weights']}"
    for net in ("g", "d"):
        adam = getattr(base.optim, net)
        assert (adam.lr, adam.betas[0]) == (told["Adam's learning rate"], told["Adam's beta1"])
        assert (getattr(faster.optim, net).lr, getattr(slower.optim, net).betas[0]) == (1e-3, 0.9)


def test_machinecurve_judges_all_but_the_family_s_reach():
    spec, document = shipped("machinecurve"), load_document(PUBLISHED / "machinecurve.yaml")
    left = document.unjudged({claim.id for claim in spec.claims})
    assert [claim.id for claim in left if claim.unjudged] == [claim.id for claim in left] == ["M6"]
    assert all(claim.better == "dcgan" for claim in spec.claims if claim.kind == "ordering" and claim.id != "M5-better")


@pytest.mark.parametrize("name", ["iyengar-dropout-128", "iyengar-truncation"])
def test_iyengar_trains_as_the_authors_code_does(name):
    case = shipped(name).resolve("dcgan").case
    assert (case.recipe.d_weight, case.recipe.fresh_z, case.train.batch_size) == (1.0, False, 64)
    assert (case.model.options["init"], case.model.options["spectral_norm"], case.model.options["dropout_where"]) == (
        "normal-0.02", "none", "none",
    )  # fmt: skip
    for adam in (case.optim.g, case.optim.d):
        assert (adam.lr, adam.betas) == (2e-4, (0.5, 0.999))


def test_iyengar_dropout_128_ends_where_the_figure_shows_the_collapse():
    spec, document = shipped("iyengar-dropout-128"), load_document(PUBLISHED / "iyengar.yaml")
    told = {number.unit: number.value for number in document.claim("I5").numbers}
    case = spec.resolve("sn-dcgan").case
    assert (case.train.max_steps, case.data.resize) == (told["iterations"], 128)
    assert case.train.epochs * (30_000 // 64) >= told["iterations"]  # CelebA-HQ has 30,000 images
    assert case.model.options["dropout_d"] == told["probability"]
    claims = {claim.id: claim for claim in spec.claims}
    for happens, never in (("I5a", "I5b"), ("I5a-once", "I5b-channels")):
        assert (claims[happens].expected, claims[never].expected) == ("happens", "never")
        assert claims[happens].event == claims[never].event
    for claim in claims.values():
        if claim.kind == "event":
            with_dropout = {spec.resolve(name).case.model.options["dropout_where"] != "none" for name in claim.cases}
            assert with_dropout == {claim.expected == "never"}, claim.id


@pytest.mark.parametrize("tier", ["smoke", "cpu", "full"])
def test_iyengar_truncation_measures_every_threshold_that_a_claim_names(tier):
    spec = shipped("iyengar-truncation")
    for claim in spec.claims:
        thresholds = {parted(metric)[1] for metric in claim.metrics} - {None}
        assert thresholds <= set(spec.resolve(claim.case, tier).case.eval.truncations), claim.id


@pytest.mark.parametrize(
    "name",
    ["machinecurve", "iyengar-dropout-128", "iyengar-truncation", "iyengar-mine", "iyengar-attention"]
    + ["selfgan-mnist", "selfgan-weights", "selfgan-scenes"],
)
def test_claims_carry_their_document_s_ids(name):
    """`I4-sn` is a further reading of I4; every family of readings has one of the document's own id."""
    spec = shipped(name)
    document = load_document(PUBLISHED / f"{spec.document}.yaml")
    ids = {claim.id for claim in spec.claims}
    assert {claim_id.partition("-")[0] for claim_id in ids} <= ids
    for claim_id in ids:
        document.claim(claim_id.partition("-")[0])


@pytest.mark.parametrize("data", ["ring", "grid", "stacked-digits", "stacked-mnist"])
@pytest.mark.parametrize("tier", ["cpu", "full"])
def test_iyengar_mine_compares_trainings_that_differ_in_its_weight_alone(data, tier):
    spec = shipped("iyengar-mine")
    plain, mine = (dotted(spec.resolve(f"{data}-{end}", tier).as_dict()) for end in ("plain", "mine"))
    assert {path for path in plain.keys() | mine.keys() if plain.get(path) != mine.get(path)} == {"recipe.mine.weight"}
    assert (plain["recipe.mine.weight"], plain["data.name"]) == (0, data)


def test_iyengar_attention_adds_one_thing_at_a_time_and_has_the_document_s_rates():
    spec, document = shipped("iyengar-attention"), load_document(PUBLISHED / "iyengar.yaml")
    assert set(changed(spec, "attention", "dcgan")) == set(changed(spec, "sn-attention", "sn-dcgan")) == {"model.attention"}
    assert set(changed(spec, "sn-dcgan", "dcgan")) == {"model.spectral_norm"}
    rates = {number.what.rpartition(" ")[2]: number.value for number in document.claim("I10").numbers}
    for case, base in (("sn-ttur", "sn-dcgan"), ("sn-attention-ttur", "sn-attention")):
        assert changed(spec, case, base) == {"optim.d.lr": rates["discriminator"], "optim.g.lr": rates["generator"]}


@pytest.mark.parametrize("rule", ["usual", "self", "self-code"])
def test_selfgan_mnist_reads_one_dense_training_at_the_document_s_steps(rule):
    spec, document = shipped("selfgan-mnist"), load_document(PUBLISHED / "selfgan.yaml")
    told = [round(number.value) for number in document.claim("W5").numbers if number.unit == "steps"]
    cases = [spec.resolve(f"{rule}-dense-{step}").case for step in (2_000, 20_000, 59_600)]
    assert [case.train.max_steps for case in cases] == [2_000, 20_000, 59_600]
    assert set(told) <= {2_000, 20_000, 59_600, 68_000, 68_800} and 59_600 in told
    assert len({trajectory(case) for case in cases}) == 1


def test_selfgan_has_both_readings_of_the_weights_and_both_forms():
    """The document's means of losses and the code's distances of outputs; for the GPU and, in eighths, for the TPU."""
    mnist, weights = shipped("selfgan-mnist"), shipped("selfgan-weights")
    usual, own, code = (mnist.resolve(f"{rule}-dense-2000").case.recipe for rule in ("usual", "self", "self-code"))
    assert (usual.name, usual.order, usual.d_weight) == ("alternating", "g-first", 0.5)
    assert (own.name, own.balance, own.form, own.shares) == ("self", "losses", "shares", (0.1, 0.9))
    assert code == own.model_copy(update={"balance": "outputs"})
    for balance in ("losses", "outputs"):
        forms = {(r.form, r.shards) for name in weights.cases if name.endswith(balance) for r in [weights.resolve(name).case.recipe]}
        assert forms == {("shares", 1), ("shares", 8), ("normalised", 1), ("normalised", 8)}
        equal = weights.resolve(f"equal-shares-{balance}").case.recipe
        assert (equal.shares, equal.balance) == ((0.5, 0.5), balance)
