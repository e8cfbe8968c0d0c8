"""`ganzoo bless`: runs become the reference that later ones are held against. Torch-free."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ganzoo import paths
from ganzoo.bench.store import Store
from ganzoo.commands.folders import project_to_write
from ganzoo.commands.targets import load
from ganzoo.errors import StoreError, UserError
from ganzoo.judge.choice import chosen, reached_end
from ganzoo.judge.comparable import changed_settings
from ganzoo.judge.references import save_measured
from ganzoo.spec import Spec


def bless(name: str, *, reason: str, tier: str, results: Path | None) -> None:
    """Write reference_results/measured/<spec>.json. Refused: no reason, no runs, a run that crashed or is unfinished, or whose settings
    are no longer the spec's. Of several runs of one case and seed one is blessed, the one that the judge would take.

    Runs from a changed checkout are not refused: each record holds the digest of its code, and that of the change.
    """
    if not reason.strip():
        raise UserError("--reason is empty. Say why these runs are right; the reason is kept with them.")
    spec = load(name)
    root = results or paths.results_dir()
    records = [_filed(record) for record in chosen(Store(root).records(spec.name, tier), spec)]
    if not records:
        raise StoreError(f"{root} holds no runs of {spec.name} at tier {tier}. Run them first: ganzoo run {name} --tier {tier}.")
    if faults := [fault for record in records for fault in _faults(record, spec)]:
        remedy = "Nothing was blessed. Finish or repeat these runs (ganzoo run … --retry), or delete their folders."
        raise StoreError("\n".join([*faults, remedy]))
    revisions = sorted({record["environment"]["git"] or "no checkout" for record in records})
    blessing = {
        "when": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "reason": reason.strip(),
        "tier": tier,
        "git": ", ".join(revisions),
    }
    path = project_to_write() / "reference_results" / "measured" / f"{spec.name}.json"
    merged = save_measured(path, blessing, records)
    print(f"{path}: {merged.added} added, {merged.replaced} replaced, {merged.kept} kept")
    if any(record["environment"]["git_dirty"] for record in records):
        print("Some of these runs were made with uncommitted changes; their records say so.")
    print("Review the diff, then commit it.")


def _filed(record: dict) -> dict:
    """The record under a case that it speaks for, where another record speaks for the one its folder is named after."""
    return record if record["case"] in record["cases"] else {**record, "case": next(iter(record["cases"]))}


def _faults(record: dict, spec: Spec) -> list[str]:
    where = f"{record['spec']}/{record['case']} seed {record['seed']}"
    if record["status"] != "finished":
        return [f"{where} is {record['status']}."]
    found = []
    for case, epoch in record["cases"].items():
        if not reached_end(record, case):
            found.append(f"{where}: case '{case}' was not evaluated at epoch {epoch}.")
        if case not in spec.cases:
            found.append(f"{where} holds case '{case}', which the spec no longer has.")
        elif changed := changed_settings(record, case, spec.resolve(case, record["tier"]).as_dict()):
            found.append(f"{where}: case '{case}' was run with other settings than the spec's: {', '.join(changed)}.")
    return found
