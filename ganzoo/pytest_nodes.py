"""What a pytest node of a spec does: bring its runs to their ends in a store, then hand over records, verdicts or gate rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganzoo import paths
from ganzoo.bench.store import Store
from ganzoo.commands.judging import judged, measured_path, tier_of
from ganzoo.judge.gate import GateRow, gate
from ganzoo.judge.references import load_measured
from ganzoo.judge.verdicts import ClaimVerdict
from ganzoo.spec import Spec, find_specs, load_spec

SMOKE = "smoke"


def specs_of(bench: Path) -> dict[str, Path]:
    """The specs of the project that a bench file (or its folder) lies in, else of the one `ganzoo` itself would take."""
    above = (folder / paths.SPECS for folder in (bench, *bench.parents))
    return find_specs(next((folder for folder in above if folder.is_dir()), None) or paths.specs_dir())


@dataclass(frozen=True)
class Name:
    """A case or a claim, as collected."""

    spec: Path
    part: str  # name of the case, id of the claim
    cases: tuple[str, ...]  # that it needs

    def __str__(self) -> str:
        return f"{self.spec.stem}-{self.part}"


def case_names(bench: Path) -> list[Name]:
    return [Name(path, case, (case,)) for path in specs_of(bench).values() for case in load_spec(path).cases]


def claim_names(bench: Path) -> list[Name]:
    return [Name(path, claim.id, tuple(claim.case_names)) for path in specs_of(bench).values() for claim in load_spec(path).claims]


@dataclass(frozen=True)
class Node:
    """A case or claim under test. `session`: every name to be tested, so that a trajectory is trained once, as far as any needs it."""

    name: Name
    session: Iterable[Name]
    results: Path
    tier_asked: str | None
    regression: bool
    workers: int

    @cached_property
    def spec(self) -> Spec:
        from ganzoo.bench.catalogue import load_checked

        return load_checked(self.name.spec)

    @cached_property
    def blessed(self) -> list[dict]:
        """The blessed records of the spec, at every tier."""
        path = measured_path(self.spec)
        return load_measured(path) if path.exists() else []

    @property
    def tier(self) -> str:
        return self.tier_asked or (tier_of(self.blessed) if self.regression else SMOKE)

    @property
    def missing(self) -> list[str]:
        """Cases that the regression knows no blessed run of."""
        return [case for case in self.name.cases if not self._blessed_seeds(case)] if self.regression else []

    def _blessed_seeds(self, case: str) -> set[int]:
        return {record["seed"] for record in self.blessed if record["tier"] == self.tier and case in record["cases"]}

    @property
    def seeds(self) -> list[int]:
        """Smoke: the spec's first. Regression: those blessed for any case of the node."""
        if not self.regression:
            return self.spec.seeds[:1]
        return sorted(set().union(*(self._blessed_seeds(case) for case in self.name.cases)))

    def run(self) -> list[dict]:
        """The records that the node's cases are read off, trained now or by an earlier node. A crash is a record, too."""
        from ganzoo.bench.executor import default_threads
        from ganzoo.bench.plan import plan
        from ganzoo.bench.worker import prepare, work_on

        device = prepare(default_threads(self.workers), "cpu")
        store = Store(self.results)
        store.check_writable()
        runs = plan(self.spec, self._cases_to_run(), self.tier, self.seeds)
        return [work_on(run, store, device, lambda message: None, retry=False) for run in runs]

    def _cases_to_run(self) -> list[str]:
        """The node's own cases, and those under test (in the regression: and blessed) that share a trajectory with them."""
        from ganzoo.bench.plan import trajectory

        tested = {case for name in self.session if name.spec == self.name.spec for case in name.cases}
        if self.regression:
            tested = {case for case in tested if self._blessed_seeds(case)}
        of_case = {case: trajectory(self.spec.resolve(case, self.tier).case) for case in tested.union(self.name.cases)}
        mine = {of_case[case] for case in self.name.cases}
        return [case for case in self.spec.cases if of_case.get(case) in mine]

    def gate(self, records: list[dict]) -> list[GateRow]:
        """Every metric of the node's case in fresh records against the blessed ones."""
        return [row for row in gate(self.blessed, records) if row.case in self.name.cases]

    def verdict(self, records: list[dict]) -> ClaimVerdict:
        """The claim, judged from these records alone."""
        held = [record for record in records if record["cases"].keys() & set(self.name.cases)]
        claims = judged(self.spec, self.tier, held).judgement.claims
        return next(claim for claim in claims if claim.id == self.name.part)
