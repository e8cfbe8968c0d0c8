"""Every case and every claim of every spec as a pytest node.

    pytest benchmarks                                  # smoke tier: does everything still run, measure and get judged?
    pytest benchmarks --run-slow                       # fresh runs of what is blessed, against reference_results/measured
    pytest benchmarks --run-slow -k liu-width-128      # one case
    pytest benchmarks -n 2 --report reports            # side by side, with a page of the verdicts

Smoke takes seconds a case. Regression trains what was blessed, at its tier: minutes to hours.
"""

from __future__ import annotations

import pytest


def bench_case(spec_case, record_property):
    """Every seed trains to the case's end and is measured there; in the regression, within the blessed interval."""
    if spec_case.missing:
        pytest.skip(f"no blessed run of this case at tier {spec_case.tier}")
    case, records = spec_case.name.part, spec_case.run()
    record_property("tier", spec_case.tier)
    for record in records:
        assert record["status"] == "finished", f"seed {record['seed']} {record['status']}: {record['error']}"
        end = next(entry for entry in record["evaluations"] if entry["epoch"] == record["cases"][case])
        assert end["metrics"], f"seed {record['seed']} was not measured at epoch {end['epoch']}"
        for metric, value in end["metrics"].items():
            record_property(f"{metric} (seed {record['seed']})", value)
    assert sorted(record["seed"] for record in records) == spec_case.seeds
    if spec_case.regression:
        rows = spec_case.gate(records)
        assert any(row.ok is not None for row in rows), "the blessed runs gate nothing: bless a second seed"
        outside = [f"seed {row.seed}, {row.label}: {row.reason}" for row in rows if row.ok is False]
        assert not outside, "\n".join(outside)


def bench_claim(spec_claim, record_property):
    """The claim's cases run and it is judged from them; in the regression, not the other way round than from the blessed runs."""
    if spec_claim.missing:
        pytest.skip(f"no blessed run of {', '.join(spec_claim.missing)} at tier {spec_claim.tier}")
    fresh = spec_claim.verdict(spec_claim.run())
    record_property("tier", spec_claim.tier)
    record_property("verdict", fresh.verdict)
    record_property("reason", fresh.reason)
    assert fresh.tier == spec_claim.tier, "a verdict names the scale it was reached at"
    assert fresh.verdict != "no evidence", fresh.reason
    if spec_claim.regression:
        blessed = spec_claim.verdict(spec_claim.blessed)
        assert {fresh.verdict, blessed.verdict} != {"holds", "contradicted"}, f"was: {blessed.reason}\nnow: {fresh.reason}"
