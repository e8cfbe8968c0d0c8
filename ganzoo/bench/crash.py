"""A crash as a row: the record of a run that could not be finished."""

from __future__ import annotations

import traceback

import torch

from ganzoo.bench.environment import capture
from ganzoo.bench.plan import Run
from ganzoo.bench.store import SCHEMA

LAST_LINES = 12  # of the traceback
OF_KILLED = (
    "A kill by the system often means too little memory: lower --jobs or train.batch_size. `--retry` resumes from the last checkpoint."
)


def hint(error: BaseException) -> str:
    """What to try next."""
    told = str(error)
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "out of memory" in told or "can't allocate memory" in told:
        return "Out of memory: lower train.batch_size, or set train.precision to bf16."
    return "See log.txt in the run's folder; `ganzoo run … --retry` tries again from the last checkpoint."


def crash_record(run: Run, known: dict | None, kind: str, message: str, trace: str, advice: str) -> dict:
    """The crashed record of a run, holding what an earlier, partial record already knew."""
    blank = {
        "evaluations": [],
        "losses": {"step": [], "d": [], "g": []},
        "scalars": {},
        "events": [],
        "events_by_end": {},
        "watch": {"step": [], "diversity": []},
        "start": {"frechet": None},
        "timing": {},
        "counts": {},
        "weights": None,
        "started": None,
    }
    return {
        **blank,
        **{key: (known or {})[key] for key in blank if key in (known or {})},
        "schema": SCHEMA,
        "key": run.key,
        "spec": run.spec,
        "document": run.document,
        "case": run.case,
        "cases": {**(known or {}).get("cases", {}), **{name: epoch for name, (_, epoch) in run.stops.items()}},
        "seed": run.seed,
        "tier": run.tier,
        "status": "crashed",
        "error": {"type": kind, "message": message, "trace": trace, "hint": advice},
        "resolved": run.resolved.model_dump(mode="json"),
        "stand_in": run.stand_in,
        "protocol": run.protocol.as_record(),
        "data": {"name": run.resolved.data.name, "split": run.resolved.data.split, "digest": run.data_digest},
        "code": run.code,
        "environment": capture(torch.device("cpu")),
        "finished": None,
    }


class RankError(Exception):
    """What ended one of several ranks, told in the process that watches over them: its exception, or that it died without a word."""

    def __init__(self, message: str, *, kind: str, trace: str, advice: str):
        super().__init__(message)
        self.kind, self.trace, self.advice = kind, trace, advice


def last_lines(error: BaseException) -> str:
    """Of its traceback."""
    return "\n".join("".join(traceback.format_exception(error)).splitlines()[-LAST_LINES:])


def of_exception(run: Run, known: dict | None, error: Exception) -> dict:
    """The row for an exception, be it one of this process or of a rank."""
    if isinstance(error, RankError):
        return crash_record(run, known, error.kind, str(error), error.trace, error.advice)
    return crash_record(run, known, type(error).__name__, str(error), last_lines(error), hint(error))


def of_death(run: Run, known: dict | None, exit_code: int | None) -> dict:
    """The row for a worker process that ended without a word (killed, out of memory, a crash in native code)."""
    return crash_record(run, known, "WorkerDied", f"the worker process ended with exit code {exit_code}", "", OF_KILLED)
