"""`ganzoo run`: refuse what cannot mean anything, then train, judge and render."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ganzoo.bench.plan import Run, plan
from ganzoo.bench.store import Store
from ganzoo.commands.folders import check_writable
from ganzoo.commands.judging import judged, rendered
from ganzoo.commands.targets import Target, chosen
from ganzoo.commands.terminal import console
from ganzoo.commands.verdicts import print_verdicts
from ganzoo.errors import UserError

DONE, CRASHED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Settings:
    """Which, where and how many; nothing here changes what is computed."""

    tier: str
    seeds: int | None
    jobs: int | None
    device: str
    threads: int | None
    retry: bool
    results: Path
    out: Path


def run(targets: list[str], settings: Settings) -> int:
    """The exit code. UserError before anything is started or written."""
    from ganzoo.bench.executor import Outcome, run_all
    from ganzoo.bench.ranks import check_devices
    from ganzoo.commands.progress import Bars

    wanted = chosen(targets)
    runs = [run for target in wanted for run in _planned(target, settings)]
    device = device_named(settings.device)
    check_devices(runs, device)
    check_writable(settings.out, "reports", "Choose another with --out DIR.")
    out = console()
    groups = _side_by_side(runs, settings.jobs, device)
    out.print(_announced(runs, settings, device, groups[0][0]))
    begun, outcome = time.monotonic(), Outcome()
    with Bars(len(runs)) as bars:
        for jobs, group in groups:
            done = run_all(group, settings.results, jobs=jobs, device=device, threads=settings.threads, retry=settings.retry, listen=bars)
            outcome.records += done.records
            outcome.interrupted = done.interrupted
            if done.interrupted:
                break
    if outcome.interrupted:
        out.print(f"interrupted; {len(outcome.records)} of {len(runs)} runs are done. The same command goes on where it stopped.")
        return INTERRUPTED
    out.print(f"{len(outcome.records)} runs in {time.monotonic() - begun:.0f} s")
    _tell_crashes(outcome.crashed, out)
    store = Store(settings.results)
    found = [judged(target.spec, settings.tier, store.records(target.spec.name)) for target in wanted]
    for one in found:
        print_verdicts(one.judgement, out)
    for page in rendered(found, settings.results, settings.out)[:-1]:
        out.print(f"report: {page}", soft_wrap=True)
    return CRASHED if outcome.crashed else DONE


def _side_by_side(runs: list[Run], jobs: int | None, device: str) -> list[tuple[int, list[Run]]]:
    """(runs at a time, runs): all at once where the user says how many, else those of equally many processes together, fewest first."""
    from ganzoo.bench.executor import default_jobs

    if jobs:
        return [(jobs, runs)]
    groups: dict[int, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.resolved.train.ranks):  # stable: the spec's order within
        groups.setdefault(run.resolved.train.ranks, []).append(run)
    return [(default_jobs(device, len(group), ranks), group) for ranks, group in groups.items()]


def _planned(target: Target, settings: Settings) -> list[Run]:
    seeds = list(range(settings.seeds)) if settings.seeds else target.spec.seeds
    return plan(target.spec, target.cases, settings.tier, seeds)


def device_named(name: str) -> str:
    """'auto' → 'cuda' where there is one, else 'cpu'; UserError for a device that is not here."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    found = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if name not in {*found, *(["cuda"] if len(found) > 1 else [])}:
        raise UserError(f"device '{name}' is not here. Expected auto or one of: {', '.join(found)}.")
    return name


def _announced(runs: list[Run], settings: Settings, device: str, jobs: int) -> str:
    cases = sum(len(run.stops) for run in runs)
    readings = f", read off for {cases} case-seeds" if cases > len(runs) else ""
    return f"{len(runs)} runs{readings}, tier {settings.tier}, on {device}, {jobs} at a time; records in {settings.results}"


def _tell_crashes(crashed: list[dict], out: Console) -> None:
    for record in crashed:
        error = record["error"]
        where = f"{record['spec']}/{record['case']} seed {record['seed']}"
        out.print(f"crashed: {where}: {error['type']}: {error['message']}\n    {error['hint']}", style="red")
