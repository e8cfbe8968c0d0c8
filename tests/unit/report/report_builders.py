"""A small world for the report: a spec, records as the store gives them, and a judgement as the judge does.

Values are drawn from fixed seeds; every verdict, a crash, an event and a sweep over epochs occur.
"""

from __future__ import annotations

import hashlib
import math
import random
from pathlib import Path

from PIL import Image

from ganzoo.spec import Spec, load_spec

SPEC = """\
# Dense GANs on MNIST.
#
#     ganzoo run demo

document: liu
title: Dense GAN on MNIST, one change at a time
base:
  model: {name: mlp-gan, latent: {dim: 100, dist: normal}, hidden_g: [128, 256, 512, 1024], hidden_d: [1024, 512, 256, 128], dropout_d: 0.0}
  data: {name: mnist, range: [-1, 1]}
  optim:
    g: {name: adam, lr: 2.0e-4, betas: [0.5, 0.999]}
    d: {name: adam, lr: 2.0e-4, betas: [0.5, 0.999]}
  train: {batch_size: 128, epochs: 30}
  eval: {protocol: mnist-cnn, num_fake: 10000, every_epochs: 5}
sources:
  model: {stated: "§1.1 (1): the widths of both networks"}
  data: {stated: "§1.1: MNIST, scaled to (-1, 1)"}
  optim: {assumed: "the report is silent; the habit of the time"}
  train: {stated: "§1.1 (3)"}
  eval: {suite: "judged by the suite's own classifier"}
  model.latent.dim: {code: "github.com/someone/gan, 0123abc, gan.py"}
cases:
  original: {title: "the dense GAN, 30 epochs"}
  epochs-50: {title: 50 epochs, train.epochs: 50, source: {stated: "§1.1, first"}}
  width-128:
    title: every hidden layer 128 wide
    model.hidden_g: [128, 128, 128, 128]
    model.hidden_d: [128, 128, 128, 128]
    source: {stated: "§1.1, second"}
  d-dropout-30: {title: 30 % dropout in D, model.dropout_d: 0.3, source: {stated: "§1.1, fourth"}}
  d-sgd: {title: SGD for D, "optim.d": {name: sgd, lr: 0.01}, source: {assumed: "Keras' default rate; the report is silent"}}
  noise-uniform: {title: uniform noise, model.latent.dist: uniform, source: {stated: "§2.2"}}
tiers:
  cpu: {stand_in: MNIST, cost: minutes a case, data.name: digits, train.max_steps: 500}
claims:
  - id: L2
    text: the original widths beat 128 everywhere
    where: "§1.1, second"
    kind: ordering
    metric: frechet
    better: original
    worse: width-128
seeds: [0, 1, 2]
"""
LABELS = {"frechet": "classifier Fréchet distance", "is": "classifier score", "kid": "classifier kernel distance"}
LEVEL = {"original": 24.0, "width-128": 410.0, "d-dropout-30": 9.5, "d-sgd": 33.0, "noise-uniform": 24.6}
HOSTILE = "<script>alert('x')</script>\"&'</style><img src=http://evil.example/x.png onerror=alert(1)>"


def spec(folder: Path, text: str = SPEC, name: str = "demo") -> Spec:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return load_spec(path)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def record(case: str, seed: int, *, spec: str = "demo", tier: str = "full", epochs: int = 30, cases: dict | None = None, **changed) -> dict:
    """One finished run. `cases`: every case read off it → its epoch."""
    draw = random.Random(f"{case}-{seed}")
    level = LEVEL[case] * draw.uniform(0.88, 1.12)
    evaluations = [_evaluation(epoch, epochs, level, draw) for epoch in range(5, epochs + 1, 5)]
    steps = list(range(50, epochs * 468 + 1, 50))
    return {
        "schema": 1, "key": sha(f"{case}-{seed}-{tier}"), "spec": spec, "document": "liu", "case": case,
        "cases": cases or {case: epochs}, "seed": seed, "tier": tier, "status": "finished", "error": None,
        "resolved": {}, "stand_in": None,
        "protocol": {
            "name": "mnist-cnn", "hash": sha("protocol"), "labels": LABELS,
            "fields": {"extractor": "mnist-cnn", "weights": sha("weights"), "real_split": "test", "real_count": 10000, "num_fake": 10000},
        },
        "data": {"name": "mnist", "split": "train", "digest": sha("mnist"), "count": 60000, "shape": [1, 28, 28]},
        "code": sha("code"),
        "evaluations": evaluations,
        "losses": {
            "step": steps,
            "d": [0.6 + 0.05 * math.sin(s / 700) + draw.gauss(0, 0.03) for s in steps],
            "g": [1.1 + 0.2 * math.sin(s / 900) + draw.gauss(0, 0.08) for s in steps],
        },
        "scalars": {"d_loss_variation": 0.1, "g_loss_variation": 0.2, "seconds_per_epoch": draw.uniform(11, 12)},
        "events": [{"kind": "modes-lost", "step": 2340, "detail": "7 of 10 classes reached"}] if case == "width-128" else [],
        "timing": {
            "data_seconds": 2.0, "train_seconds": 335.0, "eval_seconds": 34.0, "steps_per_second": 41.9, "peak_memory_mb": 913.0,
        },
        "counts": {"parameters": {"generator": 1503632, "discriminator": 1494017}, "flops_per_step": 3.83e9},
        "environment": {
            "python": "3.11.7", "platform": "Linux-6.1-x86_64", "torch": "2.15.0", "numpy": "2.3.1", "device": "cpu",
            "device_name": "AMD EPYC", "threads": 1, "git": "abc1234", "git_dirty": None, "variables": {"OMP_NUM_THREADS": "1"},
        },
        "weights": sha(f"w{case}{seed}"), "started": "2026-11-21T01:02:03Z", "finished": f"2026-11-21T0{seed + 2}:02:03Z",
    } | changed  # fmt: skip


def _evaluation(epoch: int, epochs: int, level: float, draw: random.Random) -> dict:
    left = math.exp(-epoch / 9)
    frechet = level * (1 + 3 * left) * draw.uniform(0.96, 1.04)
    score, precision, recall = (draw.uniform(0.98, 1.02) * v for v in (9 - 6 * left, 0.7 - 0.3 * left, 0.5 - 0.4 * left))
    metrics = {"frechet": frechet, "kid": frechet / 900, "is": score, "precision": precision, "recall": recall, "modes": 10.0}
    return {
        "epoch": epoch, "step": epoch * 468, "metrics": metrics | {"entropy": 2.25, "is_split_std": 0.1},
        "select": {"frechet": frechet * 1.02},
        "weights": sha(str(frechet)), "samples": f"samples/epoch-{epoch:04d}.png", "seconds": 6.1,
    }  # fmt: skip


def crash(case: str, seed: int, **changed) -> dict:
    error = {
        "type": "RuntimeError", "message": "loss is not finite at step 812", "trace": "Traceback …\n  in step",
        "hint": "Lower optim.d.lr, or read the log beside the record.",
    }  # fmt: skip
    whole = record(case, seed)
    short = {"evaluations": whole["evaluations"][:2], "weights": None, "finished": None}
    return whole | short | {"status": "crashed", "error": error} | changed


def records() -> list[dict]:
    """Three seeds a case; 'epochs-50' read off the training of 'original'; one crash."""
    runs = [record("original", seed, epochs=50, cases={"original": 30, "epochs-50": 50}) for seed in range(3)]
    runs += [record(case, seed) for case in ("width-128", "d-dropout-30", "noise-uniform") for seed in range(3)]
    return [*runs, record("d-sgd", 0), record("d-sgd", 1), crash("d-sgd", 2)]


def values(runs: list[dict], case: str, metric: str = "frechet") -> dict[str, float]:
    """seed → value at the case's epoch, as the judge writes them."""
    found = {}
    for run in runs:
        for evaluation in run["evaluations"]:
            if evaluation["epoch"] == run["cases"].get(case):
                found[str(run["seed"])] = evaluation["metrics"][metric]
    return found


def summary(of_seeds: dict[str, float], label: str) -> dict:
    kept = list(of_seeds.values())
    mean = sum(kept) / len(kept)
    std = math.sqrt(sum((v - mean) ** 2 for v in kept) / (len(kept) - 1)) if len(kept) > 1 else None
    interval = [mean - 2.5 * std, mean + 2.5 * std] if std else None
    return {"values": of_seeds, "n": len(kept), "mean": mean, "std": std, "interval": interval, "label": label, "diverged": 0}


def claim(id_: str, verdict: str, cases: list[str], runs: list[dict], **changed) -> dict:
    """An ordering on the Fréchet distance, unless changed."""
    of_case = {case: values(runs, case) for case in cases}
    means = [sum(v.values()) / len(v) for v in of_case.values() if v]
    difference = means[0] - means[1] if len(means) == 2 else None
    return {
        "id": id_, "text": f"{cases[0]} gives better samples than {cases[-1]} at the same number of epochs", "where": "§1.1, second",
        "kind": "ordering", "verdict": verdict, "metric": "frechet", "label": LABELS["frechet"], "cases": cases, "reading": "last",
        "values": of_case, "n": {case: len(v) for case, v in of_case.items()}, "alpha": 0.05, "tier": "full", "stand_in": None,
        "effect": {"name": f"P({cases[0]} better)", "value": 1.0, "interval": [0.7, 1.0]}, "difference": difference,
        "interval": None if difference is None else [difference - 0.3 * abs(difference), difference + 0.3 * abs(difference)],
        "margin": None, "test": "exact permutation, two-sided", "p": 0.1, "p_holm": 0.4, "seeds_needed": 6, "direction": "as stated",
        "reason": f"{cases[0]} and {cases[-1]} differ in every seed, but three seeds a case cannot reach p = 0.05.",
        "differs": [], "note": None,
    } | changed  # fmt: skip


def number(cell: str, verdict: str, ours: dict | None, value: float, **changed) -> dict:
    mean = ours["mean"] if ours else None
    return {
        "table": "table-1", "cell": cell, "case": "original", "metric": "is", "label": "classifier score", "reading": "last",
        "verdict": verdict, "ours": ours,
        "theirs": {"value": value, "spread": 0.053, "spread_kind": "std over 10 splits of one sample", "flags": []},
        "delta": None if mean is None else mean - value, "predicted": None, "reason": "Our interval holds the published value.",
        "differs": [], "source": "Table 1", "tier": "full", "stand_in": None,
    } | changed  # fmt: skip


def judgement(runs: list[dict], *, numbers: bool = False, tier: str = "full", stand_in: str | None = None) -> dict:
    """Every verdict once, in the shape of `Judgement.as_dict()`."""
    cases = ["original", "epochs-50", "width-128", "d-dropout-30", "d-sgd", "noise-uniform"]
    score = summary(values(runs, "original", "is"), LABELS["is"])
    return {
        "spec": "demo", "document": "liu", "tier": tier, "stand_in": stand_in,
        "numbers": _numbers(score) if numbers else [],
        "claims": _claims(runs),
        "cases": [_case(case, runs) for case in cases],
        "protocols": [runs[0]["protocol"]] if runs else [], "protocol": runs[0]["protocol"] if runs else None,
        "coverage": [{"id": "L9", "text": "a convolutional generator differs little", "where": "§1.2", "reason": "no case of the spec"}],
        "set_aside": [],
    }  # fmt: skip


def _claims(runs: list[dict]) -> list[dict]:
    return [
        claim("L2", "holds", ["original", "width-128"], runs, p=0.002, p_holm=0.008),
        claim("L3", "contradicted", ["original", "d-dropout-30"], runs, p=0.004, p_holm=0.012, direction="against"),
        claim("L4", "inconclusive", ["original", "d-sgd"], runs),
        claim(
            "L12", "inconclusive", ["original", "noise-uniform"], runs, kind="no-difference", margin=4.0, test="two one-sided permutations",
            effect=None, note="The margin is a sixth of the original's distance.", direction="none",
        ),
        claim(
            "L13", "holds", ["width-128", "original"], runs, kind="event", metric=None, label="modes-lost", difference=None, interval=None,
            values={"width-128": {"0": 1, "1": 1, "2": 1}, "original": {"0": 0, "1": 0, "2": 0}}, effect=None,
        ),
        claim("L10", "no evidence", ["epochs-50", "original"], [], values={}, n={}, effect=None, difference=None, interval=None, test=None,
              p=None, p_holm=None, seeds_needed=None, reason="No run of 'conv'."),
    ]  # fmt: skip


def _numbers(score: dict) -> list[dict]:
    return [
        number("dcgan-32-cifar10", "reproduced", score, 8.8),
        number("dcgan-32-imagenet", "better", score, 6.45),
        number("dcgan-64-cifar10", "worse", score, 11.2),
        number("dcgan-64-imagenet", "inconclusive", score, 8.9),
        number("sn-32-cifar10", "incomparable", score, 4.92, differs=["extractor", "num_fake"], reason=""),
        number("sn-32-imagenet", "crashed", None, 6.19, reason="No run finished."),
        number("sn-64-cifar10", "not run", None, 4.41, case="", reason="No case stands for this cell."),
    ]


def _case(case: str, runs: list[dict]) -> dict:
    of_metric = {metric: values(runs, case, metric) for metric in ("frechet", "kid", "is", "precision", "recall", "modes", "entropy")}
    metrics = {m: summary(v, LABELS.get(m, m)) for m, v in of_metric.items() if v}
    mine = [run for run in runs if case in run["cases"]]
    status = "partial" if any(r["error"] for r in mine) else "finished" if mine else "not run"
    return {
        "case": case, "title": f"title of {case}", "status": status,
        "seeds": {str(r["seed"]): r["status"] for r in mine}, "errors": {}, "metrics": metrics, "best": metrics,
    }  # fmt: skip


def write_samples(results: Path, runs: list[dict], side: int = 240, colour: bool = False) -> None:
    """A noisy grid for every evaluation that names one, where the runner would have put it."""
    for run in runs:
        draw = random.Random(run["key"])
        folder = results / run["spec"] / run["case"] / f"{run['key'][:12]}-s{run['seed']}"
        for evaluation in run["evaluations"]:
            path = folder / evaluation["samples"]
            path.parent.mkdir(parents=True, exist_ok=True)
            mode, channels = ("RGB", 3) if colour else ("L", 1)
            Image.frombytes(mode, (side, side), draw.randbytes(side * side * channels)).save(path)


def watched(runs: list[dict]) -> list[dict]:
    """The same runs with what the watch sees: diversity over steps, epochs of events, and a collapse of every 'width-128'."""
    found = []
    for run in runs:
        draw, falls = random.Random(run["key"]), run["case"] == "width-128"
        steps = list(range(0, 14040, 250))
        level = [0.95 * (math.exp(-step / 2500) if falls else 1) * draw.uniform(0.95, 1.05) for step in steps]
        first = next((step for step, value in zip(steps, level, strict=True) if value < 0.25), None)
        events = [event | {"epoch": event["step"] / 468} for event in run["events"]]
        if first is not None:
            told = f"diversity {level[steps.index(first)]:.2f} of the reals'"
            events += [{"kind": "samples-collapsed", "step": first, "epoch": first / 468, "detail": told}]
            events += [{"kind": "d-saturated", "step": 600 * (run["seed"] + 1), "epoch": 2.0, "detail": "loss of D below 0.01"}]
        settings = {"watch": {"collapsed_diversity": 0.25}, "train": {"precision": "fp32"}}
        found.append(run | {"watch": {"step": steps, "diversity": level}, "events": events, "resolved": settings})
    return found


def ended(judged: dict) -> dict:
    """The judgement with what only a case's end measures: truncated z of two cases, the probe of one, a paired claim on it."""
    for case in judged["cases"]:
        if case["case"] in ("original", "d-dropout-30"):
            case["metrics"] |= _truncated(case)
        if case["case"] == "original":
            accuracy = {"probe_d": 0.95, "probe_g": 0.91, "probe_untrained_d": 0.89, "probe_untrained_g": 0.8, "probe_pixels": 0.9}
            shifted = {name: {str(s): level + s / 200 for s in range(3)} for name, level in accuracy.items()}
            case["metrics"] |= {name: summary(of_seeds, name) for name, of_seeds in shifted.items()}
    probe = judged["cases"][0]["metrics"]
    values = {name: probe[name]["values"] for name in ("probe_d", "probe_pixels")}
    judged["claims"].append(
        claim("L20", "inconclusive", ["original"], [], kind="paired", metric="probe_d", values=values, n=dict.fromkeys(values, 3),
              label="probe accuracy on D's features against probe accuracy on raw pixels", difference=0.05, interval=[0.04, 0.06], never={},
              text="features of a trained D serve a classifier better than pixels do", test="exact sign flips"),
    )  # fmt: skip
    return judged


def _truncated(case: dict) -> dict[str, dict]:
    """frechet, precision and recall at two thresholds: nearer and less varied."""
    found = {}
    for threshold, factors in ((0.5, (1.3, 1.2, 0.4)), (1.0, (0.9, 1.1, 0.8))):
        for metric, factor in zip(("frechet", "precision", "recall"), factors, strict=True):
            of_seeds = {seed: value * factor for seed, value in case["metrics"][metric]["values"].items()}
            found[f"{metric}@{threshold}"] = summary(of_seeds, case["metrics"][metric]["label"] + f", z truncated at {threshold:g}")
    return found


def balanced(runs: list[dict]) -> list[dict]:
    """The same runs with every 'width-128' by the rule self, whose D comes to call everything real; the others have no balance."""
    found = []
    for run in runs:
        if run["case"] != "width-128":
            found.append(run | {"balance": {}})
            continue
        draw, steps = random.Random(run["key"]), list(range(250, 10_001, 250))
        real = [0.95 - 0.2 * math.exp(-step / 2000) + draw.gauss(0, 0.01) for step in steps]
        fake = [0.85 / (1 + math.exp((3000 - step) / 400)) + draw.gauss(0, 0.02) for step in steps]
        generated = [(f + 0.3) / 1.5 + draw.gauss(0, 0.02) for f in fake]
        weights = {"v_g": [1 - d for d in generated], "v_r": [1 - d for d in real], "v_f": fake}
        told = "D's mean output stayed above 0.5 on reals and on fakes alike for 7000 steps"
        found.append(run | {
            "balance": {"step": steps, **weights, "d_real": real, "d_fake": fake},
            "events": [*run["events"], {"kind": "all-real", "step": 3000, "epoch": 6.41, "detail": told}],
            "resolved": run["resolved"] | {"watch": {**run["resolved"].get("watch", {}), "all_real_output": 0.5}},
        })  # fmt: skip
    return found
