"""A small spec, made-up records of its cases, and a document with one table. No training, no torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ganzoo.judge.references import Published
from ganzoo.spec import load_spec

PROTOCOL = {
    "name": "mnist-cnn",
    "hash": "a" * 64,
    "fields": {"extractor": "mnist-cnn", "num_fake": 10000},
    "labels": {"frechet": "classifier Fréchet distance", "is": "classifier score"},
}
SPEC = {
    "document": "liu",
    "title": "A small document",
    "base": {
        "model": {"name": "mlp-gan"},
        "data": {"name": "mnist"},
        "optim": {"g": {"name": "adam", "lr": 2e-4}, "d": {"name": "adam", "lr": 2e-4}},
        "train": {"batch_size": 100, "epochs": 30},
        "eval": {"protocol": "mnist-cnn", "truncations": [0.5, 1.0], "probe": True},
    },
    "sources": {path: {"assumed": "made up"} for path in ("model", "data", "optim", "train", "eval")},
    "cases": {
        "original": {"title": "as it stands"},
        "narrow": {"train.batch_size": 50, "source": {"assumed": "x"}},
        "third": {"train.batch_size": 25, "source": {"assumed": "x"}},
        "long": {"train.epochs": 50, "source": {"assumed": "x"}},
        "longer": {"train.epochs": 100, "source": {"assumed": "x"}},
    },
    "tiers": {"small": {"data.limit": 500}, "stand-in": {"stand_in": "LSUN church", "data.name": "digits"}},
}
ORDERING = {
    "id": "L2",
    "text": "wide beats narrow",
    "where": "§1",
    "kind": "ordering",
    "metric": "frechet",
    "better": "original",
    "worse": "narrow",
}


@pytest.fixture
def spec_of(tmp_path: Path):
    """spec_of(claims, numbers=…) → a loaded Spec named 'liu'."""

    def build(claims=(), numbers=()):
        path = tmp_path / "liu.yaml"
        path.write_text("# a header\n" + yaml.safe_dump({**SPEC, "claims": list(claims), "numbers": list(numbers)}, sort_keys=False))
        return load_spec(path)

    return build


@pytest.fixture
def record_of(spec_of):
    """record_of(case, seed, evaluations, cases=…, **changes) → a record as the store gives it.

    Evaluations: a Fréchet distance or {metric: value} at the case's end, or {epoch: either of them}.
    """
    spec = spec_of()

    def build(case="original", seed=0, evaluations=None, *, cases=None, tier="full", status="finished", **changes):
        longest = max(cases or {case: 0}, key=lambda name: (cases or {case: 0})[name])
        resolved = spec.resolve(longest, tier)
        cases = cases or {case: resolved.case.train.epochs}
        rows = []
        by_epoch = isinstance(evaluations, dict) and not any(isinstance(name, str) for name in evaluations)
        for epoch, found in (evaluations if by_epoch else {cases[case]: evaluations}).items():
            metrics = found if isinstance(found, dict) else {"frechet": found}
            rows.append({"epoch": epoch, "step": int(epoch * 100), "metrics": metrics, "select": {"frechet": metrics.get("frechet")}})
        record = {
            "schema": 1,
            "key": f"{case}{tier}".encode().hex().ljust(64, "0"),
            "spec": "liu",
            "document": "liu",
            "case": case,
            "cases": cases,
            "seed": seed,
            "tier": tier,
            "status": status,
            "error": {"type": "RuntimeError", "message": "out of memory"} if status == "crashed" else None,
            "resolved": resolved.as_dict(),
            "stand_in": resolved.stand_in,
            "protocol": PROTOCOL,
            "data": {"name": "mnist", "count": 60000},
            "evaluations": rows,
            "losses": {"step": [], "d": [], "g": []},
            "scalars": {"seconds_per_epoch": 10.0 + seed},
            "events": [],
            "counts": {"parameters": {"generator": 300, "discriminator": 100}},
            "environment": {"device": "cpu", "device_name": "EPYC", "threads": 1},
            "started": f"2026-11-21T00:00:0{seed % 10}Z",
        }
        return json.loads(json.dumps({**record, **changes}))

    return build


@pytest.fixture
def published() -> dict[str, Published]:
    """The document 'liu' with one table of two cells and three claims, one of them in parts."""
    table = {
        "id": "table-1",
        "title": "Scores",
        "where": "Table 1",
        "metric": "is",
        "label": "Inception Score",
        "protocol": "mnist-cnn",
        "spread": {"over": "splits", "kind": "std over 10 splits of one sample"},
        "cells": [
            {"id": "wide", "row": {"net": "wide"}, "column": "MNIST", "value": 5.0, "spread": 0.05},
            {"id": "slim", "row": {"net": "slim"}, "column": "MNIST", "value": 4.0, "spread": 0.05},
        ],
    }
    claims = [
        {"id": "L1", "where": "§1", "kind": "trend", "text": "longer is better, then worse",
         "parts": [{"id": "L1a", "kind": "trend", "text": "longer is better"}, {"id": "L1b", "kind": "event", "text": "then worse"}]},
        {"id": "L2", "where": "§1", "kind": "ordering", "text": "wide beats narrow"},
        {"id": "L20", "where": "§2", "kind": "probe", "text": "features are useful"},
    ]  # fmt: skip
    document = {"document": "liu", "title": "A small document", "tables": [table], "claims": claims}
    return {"liu": Published.model_validate(document)}


@pytest.fixture
def ordering() -> dict:
    return dict(ORDERING)
