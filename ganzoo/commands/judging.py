"""From records to verdicts and pages: what `run`, `compare` and `report` share. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganzoo import paths
from ganzoo.bench.store import Store
from ganzoo.commands.targets import load
from ganzoo.errors import SpecError, StoreError
from ganzoo.judge.choice import chosen
from ganzoo.judge.judgement import judge
from ganzoo.judge.references import load_measured, load_published
from ganzoo.judge.verdicts import Judgement
from ganzoo.report import read_entries, render, render_index
from ganzoo.spec import Spec, find_specs, load_spec
from ganzoo.spec.spec import FULL


@dataclass(frozen=True)
class Evidence:
    """Which records to judge: of the specs named (none: of all that have some), of a tier (None: see `tier_of`)."""

    names: list[str]
    tier: str | None
    results: Path | None
    measured: bool = False  # the blessed records, not those of the results folder

    @property
    def root(self) -> Path:
        return self.results or paths.results_dir()

    def specs(self) -> list[Spec]:
        if self.names:
            return [load(name) for name in self.names]
        specs = [load(name) for name in find_specs(paths.specs_dir())]
        return [spec for spec in specs if self.records(spec)]

    def records(self, spec: Spec) -> list[dict]:
        """Of every tier."""
        if not self.measured:
            return Store(self.root).records(spec.name)
        path = measured_path(spec)
        return load_measured(path) if self.names or path.exists() else []


@dataclass(frozen=True)
class Judged:
    """A spec, the records of one tier, and what the judge makes of them."""

    spec: Spec
    records: list[dict]
    judgement: Judgement


def references_of(spec: Spec) -> Path:
    """The reference_results nearest above the spec's own file, else the project's."""
    above = (folder / "reference_results" for folder in spec.path.resolve().parents)
    return next((folder for folder in above if folder.is_dir()), None) or paths.references_dir()


def measured_path(spec: Spec) -> Path:
    return references_of(spec) / "measured" / f"{spec.name}.json"


def tier_of(records: list[dict]) -> str:
    """full where it has records, else the tier with the most case-seeds."""
    held = [tier for tier, *_ in dict.fromkeys((record["tier"], record["case"], record["seed"]) for record in records)]
    return FULL if FULL in held or not held else max(held, key=held.count)


def judged(spec: Spec, tier: str, records: list[dict]) -> Judged:
    """Of the records of a tier those that speak for the spec, judged against its document."""
    of_tier = chosen([record for record in records if record["tier"] == tier], spec)
    published = load_published(references_of(spec) / "published")
    return Judged(spec, of_tier, judge(spec, tier, of_tier, published, elsewhere=judged_elsewhere(spec)))


def judged_elsewhere(spec: Spec) -> dict[str, str]:
    """Claim → another spec of the same folder and document that judges it. One that cannot be read is passed over: nobody asked for it."""
    found: dict[str, str] = {}
    for name, path in find_specs(spec.path.resolve().parent).items():
        if path == spec.path.resolve():
            continue
        try:
            other = load_spec(path)
        except SpecError:
            continue
        if other.document == spec.document:
            found |= {claim.id: name for claim in other.claims if claim.id not in found}
    return found


def judged_all(evidence: Evidence) -> list[Judged]:
    """Every spec asked for. StoreError where there is nothing at all to judge."""
    found = []
    for spec in evidence.specs():
        records = evidence.records(spec)
        found.append(judged(spec, evidence.tier or tier_of(records), records))
    if not any(one.records or one.judgement.self_checks for one in found):
        where = "reference_results/measured" if evidence.measured else evidence.root
        scale = f" at tier {evidence.tier}" if evidence.tier else ""
        name = evidence.names[0] if evidence.names else "quickstart"
        raise StoreError(
            f"{where} holds no records of {', '.join(evidence.names) or 'any spec'}{scale}. "
            f"Run something first (ganzoo run {name}), name another --results, or take the blessed runs with --measured."
        )
    return found


def rendered(found: list[Judged], results: Path, out: Path) -> list[Path]:
    """One page for each judgement; the folder's index comes last."""
    pages = [render(one.spec, one.judgement.as_dict(), one.records, out, results=results) for one in found]
    return [*pages, render_index(read_entries(out), out)]
