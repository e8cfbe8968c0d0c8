"""The local executor: a few worker processes side by side, each run in whichever is free."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from ganzoo.bench import crash
from ganzoo.bench.plan import Run
from ganzoo.bench.ranks import check_devices
from ganzoo.bench.reach import reached
from ganzoo.bench.store import Store
from ganzoo.bench.worker import main as worker_main
from ganzoo.errors import StoreError, UserError

Listener = Callable[[Run, tuple], None]  # (run, message): ("started",), ("progress", step, total), ("waiting",), ("done", record or None)


MOST_JOBS = 4  # by default; a worker takes about a gigabyte
GRACE_SECONDS = 30.0  # for a worker that is told to save and stop
WAIT_POLICY = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}  # GNU's and LLVM's OpenMP; Intel's and LLVM's alone


def usable_cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_jobs(device: str, runs: int, ranks: int = 1) -> int:
    """Runs side by side when nobody says: one a core (small networks gain little from a second thread), one on a GPU.

    ranks: processes that the largest run is shared among; it counts as so many.
    """
    return max(1, min(min(usable_cores(), MOST_JOBS) // ranks, runs)) if device == "cpu" else 1


def default_threads(jobs: int) -> int:
    """CPU threads a worker gets when nobody says: the cores, shared out."""
    return max(1, usable_cores() // jobs)


@dataclass
class Outcome:
    """What became of a list of runs."""

    records: list[dict] = field(default_factory=list)
    interrupted: bool = False

    @property
    def crashed(self) -> list[dict]:
        return [record for record in self.records if record["status"] == "crashed"]


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    run: Run | None = None


def run_all(
    runs: list[Run],
    root: Path,
    *,
    jobs: int = 1,
    device: str = "cpu",
    threads: int | None = None,
    retry: bool = False,
    listen: Listener = lambda run, message: None,
) -> Outcome:
    """Do `runs` in order, `jobs` at a time. A crash is a row and the others go on; Ctrl-C lets each worker save and stop.

    Raises UserError, once all workers have stopped, when a run refuses its input; before anything is written where a GPU a rank is missing.
    """
    check_devices(runs, device)
    store = Store(root)
    store.check_writable()
    context = multiprocessing.get_context("spawn")
    todo, outcome, refused = list(reversed(runs)), Outcome(), []
    workers: list[_Worker] = []

    def hire() -> _Worker:
        ours, theirs = context.Pipe()
        arguments = (theirs, root, device, threads or default_threads(jobs), retry)
        process = context.Process(target=worker_main, args=arguments, daemon=True)
        with _passive_threads():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def give(worker: _Worker) -> None:
        worker.run = todo.pop() if todo and not outcome.interrupted and not refused else None
        try:
            worker.pipe.send(worker.run)
        except OSError:  # it died meanwhile; its end of the pipe says so next
            return
        if worker.run:
            listen(worker.run, ("started",))
        else:
            workers.remove(worker)
            worker.process.join()

    def hear(worker: _Worker) -> None:
        run = worker.run
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            workers.remove(worker)
            worker.process.join()
            if run and not outcome.interrupted:
                message = ("done", _bury(run, store, worker.process.exitcode))
                outcome.records.append(message[1])
                listen(run, message)
                if todo:
                    workers.append(hire())
                    give(workers[-1])
            return
        listen(run, message)
        if message[0] == "refused":
            refused.append(message[1])
            give(worker)
        elif message[0] == "done":
            if message[1] is None:
                outcome.interrupted = True
            else:
                outcome.records.append(message[1])
            give(worker)

    try:
        for _ in range(min(jobs, len(runs))):
            workers.append(hire())
            give(workers[-1])
        while workers:
            try:
                for pipe in wait([worker.pipe for worker in workers]):
                    hear(next(worker for worker in workers if worker.pipe is pipe))
            except KeyboardInterrupt:  # the workers got the signal too, from the terminal; ask again where they did not
                outcome.interrupted = True
                for worker in workers:
                    worker.process.terminate()
    finally:
        _dismiss(workers)
    if refused:
        raise UserError("\n".join(refused))
    return outcome


@contextlib.contextmanager
def _passive_threads() -> Iterator[None]:
    """Have processes started meanwhile put idle OpenMP threads to sleep, where the user has set none of it.

    By default they spin between two small operations, and workers side by side take the cores from each other. Which thread computes
    what stays the same, and so do the numbers. Read when torch is loaded, so it must be in the environment that the process gets.
    """
    names = set() if WAIT_POLICY.keys() & os.environ.keys() else WAIT_POLICY.keys()
    os.environ.update({name: WAIT_POLICY[name] for name in names})
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)


def _dismiss(workers: list[_Worker]) -> None:
    """End workers that are still there, busy or idle: one that waits for work hears no signal, but it sees its pipe closed."""
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(GRACE_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _bury(run: Run, store: Store, exit_code: int | None) -> dict:
    with store.lock(run.folder):
        try:
            known = store.record(run.folder)
        except StoreError:
            known = None
        if known and reached(known, run):  # another process finished it meanwhile
            return known
        record = crash.of_death(run, known, exit_code)
        store.write_record(run.folder, record)
    return record
