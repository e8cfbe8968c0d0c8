"""From records to verdicts and pages: what `run`, `compare` and `report` share. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganzoo import paths
from ganzoo.bench.store import Store
from ganzoo.commands.targets import load
from ganzoo.errors import StoreError
from ganzoo.judge.judge import judge
from ganzoo.judge.references import Published, load_published
from ganzoo.judge.verdicts import Judgement
from ganzoo.report import read_entries, render, render_index
from ganzoo.spec import Spec, find_specs
from ganzoo.spec.spec import FULL


@dataclass(frozen=True)
class Judged:
    """A spec, the records of one tier, and what the judge makes of them."""

    spec: Spec
    records: list[dict]
    judgement: Judgement


def published() -> dict[str, Published]:
    return load_published(paths.references_dir() / "published")


def judged(spec: Spec, tier: str | None, store: Store, references: dict[str, Published]) -> Judged:
    """Judge the stored records of a spec; `tier` None: full where it has records, else the tier with the most."""
    records = store.records(spec.name)
    if tier is None:
        held = [record["tier"] for record in records]
        tier = FULL if FULL in held or not held else max(held, key=held.count)
    records = [record for record in records if record["tier"] == tier]
    return Judged(spec, records, judge(spec, tier, records, references.get(spec.document)))


def judged_all(names: list[str], tier: str | None, results: Path | None) -> list[Judged]:
    """The specs named, or all of this project that have records. StoreError where there is nothing to judge."""
    root = results or paths.results_dir()
    store, references = Store(root), published()
    specs = [load(name) for name in names or find_specs(paths.specs_dir()) if names or (root / name).is_dir()]
    found = [judged(spec, tier, store, references) for spec in specs]
    if not any(one.records for one in found):
        which = f" of {', '.join(names)}" if names else ""
        scale = f" at tier {tier}" if tier else ""
        raise StoreError(f"{root} holds no records{which}{scale}. Run something first (ganzoo run {names[0] if names else 'quickstart'}), or name another --results.")
    return found


def rendered(found: list[Judged], results: Path, out: Path) -> list[Path]:
    """One page for each judgement, and the folder's index, last."""
    pages = [render(one.spec, one.judgement.as_dict(), one.records, out, results=results) for one in found]
    return [*pages, render_index(read_entries(out), out)]
