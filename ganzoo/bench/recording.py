"""What a run's record says: everything that the judge and the report know of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import torch

from ganzoo.bench.counts import parameters
from ganzoo.bench.environment import capture, peak_memory_mb
from ganzoo.bench.events import Seen, find_events
from ganzoo.bench.store import SCHEMA
from ganzoo.metrics import extractors
from ganzoo.recipes import BALANCE, INFORMATION, TERMS
from ganzoo.train.state import State
from ganzoo.variation import variation

if TYPE_CHECKING:
    from ganzoo.bench.run import Session


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass
class Progress:
    """What accumulates beside the weights; part of the checkpoint."""

    evaluations: list[dict] = field(default_factory=list)
    start: float | None = None  # distance of the untrained generator
    train_seconds: float = 0.0
    eval_seconds: float = 0.0
    data_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    started: str = field(default_factory=now)
    threads: int = field(default_factory=torch.get_num_threads)


def record_of(session: Session, status: str) -> dict:
    """The record of a run as of now."""
    run, state, progress = session.run, session.state, session.progress
    progress.peak_memory_mb = max(progress.peak_memory_mb, peak_memory_mb(session.device))
    logged, looks = state.log.read(), session.looks.read()
    losses = {key: logged[key] for key in ("step", "d", "g")}
    balance, terms, information = (_columns(logged, names, state) for names in (BALANCE, TERMS, INFORMATION))
    d_losses, g_losses = state.log.steps()[:, :2].T.tolist()
    classes = len(session.images.classes) if session.held is None else 0
    names = session.images.classes if session.held is None else ()
    seen = Seen(
        losses, d_losses, g_losses, looks, progress.evaluations, progress.start, extractors.knows(run.protocol.extractor, names), balance
    )
    epochs_done = state.step / session.per_epoch
    cases = {**session.known.get("cases", {}), **{name: epoch for name, (_, epoch) in run.stops.items()}}
    identity = {"name": run.resolved.data.name, "split": run.resolved.data.split, "digest": run.data_digest}
    return {
        "schema": SCHEMA,
        "key": run.key,
        "spec": run.spec,
        "document": run.document,
        "case": run.case,
        "cases": cases,
        "seed": run.seed,
        "tier": run.tier,
        "status": status,
        "error": None,
        "resolved": _longest(session),
        "stand_in": run.stand_in,
        "protocol": run.protocol.as_record(),
        "data": {
            **identity,
            "count": len(session.images),
            "shape": list(state.batches.shape),
            "classes": classes,
        },
        "code": run.code,
        "evaluations": progress.evaluations,
        "losses": _finite(losses),
        "balance": _finite(balance),
        "terms": _finite(terms),
        "information": _finite(information),
        "scalars": {
            "d_loss_variation": variation(losses["d"]),
            "g_loss_variation": variation(losses["g"]),
            "d_loss_mean": _mean(d_losses),
            "g_loss_mean": _mean(g_losses),
            "seconds_per_epoch": round(progress.train_seconds / epochs_done, 4) if epochs_done else None,
        },
        "start": {"frechet": progress.start},
        "watch": looks,
        "events": find_events(seen, run.resolved.watch, session.per_epoch),
        "events_by_end": _events_by_end(session, seen, cases),
        "timing": {
            "train_seconds": round(progress.train_seconds, 3),
            "eval_seconds": round(progress.eval_seconds, 3),
            "data_seconds": round(progress.data_seconds, 3),
            "steps_per_second": round(state.step / progress.train_seconds, 2) if progress.train_seconds else None,
            "peak_memory_mb": round(progress.peak_memory_mb, 1),
        },
        "counts": {
            "parameters": {"generator": parameters(state.g), "discriminator": parameters(state.d)},
            "flops_per_step": session.flops,
        },
        "environment": capture(session.device),
        "weights": state.weights_digest(),
        "started": progress.started,
        "finished": now() if status == "finished" else None,
    }


def _events_by_end(session: Session, seen: Seen, cases: dict[str, float]) -> dict[str, list[dict]]:
    """G step → what had happened by then, for the cases that end before the training does: some events hang on what came later."""
    watch, per_epoch = session.run.resolved.watch, session.per_epoch
    ends = sorted({round(epoch * per_epoch) for epoch in cases.values()})
    return {str(end): find_events(seen.until(end), watch, per_epoch) for end in ends if end < session.state.step}


def _longest(session: Session) -> dict:
    """The resolved case at the trajectory's greatest length so far."""
    asked, before = session.run.resolved.model_dump(mode="json"), session.known.get("resolved")
    return before if before and before["train"]["epochs"] > asked["train"]["epochs"] else asked


def _columns(logged: dict[str, list], names: tuple[str, ...], state: State) -> dict[str, list]:
    """{"step", …} with the columns of `names` that the rule logs; {} where it logs none."""
    found = [name for name in state.rule.columns if name in names]
    return {key: logged[key] for key in ("step", *found)} if found else {}


def _finite(table: dict[str, list]) -> dict[str, list]:
    """The table with None for what is not finite."""
    return {key: [value if math.isfinite(value) else None for value in column] for key, column in table.items()}


def _mean(losses: list[float]) -> float | None:
    """None without losses, or with one that is not finite."""
    mean = sum(losses) / len(losses) if losses else math.nan
    return mean if math.isfinite(mean) else None
