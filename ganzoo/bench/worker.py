"""A worker process: takes runs one after another from a pipe and answers with messages. One process serves many runs."""

from __future__ import annotations

import signal
import warnings
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from ganzoo.bench import crash, ranks
from ganzoo.bench.adopt import adopt
from ganzoo.bench.numerics import prepare
from ganzoo.bench.plan import Run
from ganzoo.bench.reach import evaluated
from ganzoo.bench.run import Hooks, execute, here
from ganzoo.bench.store import Store
from ganzoo.errors import UserError

_stop = False


def _ask_to_stop(*_: object) -> None:
    global _stop
    _stop = True


def work_on(run: Run, store: Store, device: torch.device, send, *, retry: bool) -> dict | None:
    """One run under its lock, crash caught and written as a row; None if it was interrupted before its end.

    `send` takes messages: ("progress", step, total) and ("waiting",).
    """
    with store.lock(run.folder, waiting=lambda: send(("waiting",))) as folder:

        def log(line: str) -> None:
            with (folder / "log.txt").open("a", encoding="utf-8") as handle:
                handle.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}\n")

        known = store.record(run.folder)
        if known and known["status"] == "crashed" and evaluated(known, run):
            return _passed(known, run, store)
        if known and known["status"] == "crashed" and not retry:
            return known
        if known is None and (twin := adopt(run, store, device.type)):
            log(f"the same run as {twin}: taken over from there")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda message, category, *_: log(f"{category.__name__}: {message}")
                hooks = Hooks(progress=ranks.seldom(send), interrupted=lambda: _stop, log=log)
                record = execute(run, store, device, hooks, here if run.resolved.train.ranks == 1 else ranks.launch)
        except UserError:
            raise  # the user's to mend, not a row
        except Exception as error:  # noqa: BLE001 (a row, so that the other runs go on)
            record = crash.of_exception(run, store.record(run.folder), error)
            log(record["error"]["trace"])
            store.write_record(run.folder, record)
    return None if record["status"] == "partial" else record


def _passed(known: dict, run: Run, store: Store) -> dict:
    """What a training that crashed says of cases that it had passed: they are finished. Its record stays the crash of a longer case."""
    asked = {name: epoch for name, (_, epoch) in run.stops.items()}
    if not asked.items() <= known["cases"].items():
        store.write_record(run.folder, {**known, "cases": {**known["cases"], **asked}})
    return {**known, "cases": asked, "status": "finished", "error": None}


def main(pipe: Connection, root: Path, device: str, threads: int, retry: bool) -> None:
    """Entry of the process: runs come in, (kind, …) messages go out, None ends it. SIGINT and SIGTERM: save and stop."""
    signal.signal(signal.SIGINT, _ask_to_stop)
    signal.signal(signal.SIGTERM, _ask_to_stop)
    target, store = prepare(threads, device), Store(root)

    def send(message: tuple) -> None:
        try:
            pipe.send(message)
        except OSError:  # whoever started this process is gone: save and stop
            _ask_to_stop()

    while not _stop:
        try:
            run = pipe.recv()
        except EOFError:
            break
        if run is None:
            break
        torch.set_num_threads(threads)  # a resumed run may have kept the count it began with
        try:
            send(("done", work_on(run, store, target, send, retry=retry)))
        except UserError as error:
            send(("refused", f"{run.spec}/{run.case} seed {run.seed}: {error}"))
