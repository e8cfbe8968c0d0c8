"""A run that several processes ("ranks") share: torchrun starts one a rank, the worker gives them the run and watches over them.

Worker and ranks talk over a socket in a folder of the worker's user, as worker and executor talk over a pipe. Down: the run, then perhaps
"stop". Up: the rank's number, then ("progress", step, total), ("log", line), and at the end ("done",) or ("failed", a Failure's fields).
A rank whose worker is gone ends at once: the run's lock is no longer held for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, wait
from pathlib import Path

import torch

from ganzoo.bench import crash
from ganzoo.bench.numerics import prepare
from ganzoo.bench.plan import Run
from ganzoo.bench.run import Hooks, Session
from ganzoo.bench.store import Store
from ganzoo.errors import UserError
from ganzoo.train.distributed import join

PROGRESS_SECONDS = 0.5  # between two messages
LISTEN_SECONDS = 0.2  # between two looks at what no message tells: an interruption, the end of torchrun
LAST_WORDS_SECONDS = 2.0  # for the others, once a rank has failed: which of them failed first is seen from all
GRACE_SECONDS = 60.0  # for torchrun, once its ranks are gone


def check_devices(runs: list[Run], device: str) -> None:
    """UserError where a run's ranks would not have a GPU each."""
    for run in runs:
        size = run.resolved.train.ranks
        if size == 1 or device == "cpu":
            continue
        what, remedy = f"{run.spec}/{run.case} has train.ranks {size}, one GPU each", "or train on the CPU with --device cpu."
        if device != "cuda":
            raise UserError(f"{what}, but --device {device} names one. Expected --device cuda; {remedy}")
        if (found := torch.cuda.device_count()) < size:
            raise UserError(f"{what}, but {found} are here. Expected {size}: use a machine that has them, {remedy}")


def seldom(send: Callable[[tuple], None]) -> Callable[[int, int], None]:
    """A listener to every step that sends ("progress", step, total) now and then."""
    last = 0.0

    def progress(step: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > PROGRESS_SECONDS:
            last = time.monotonic()
            send(("progress", step, total))

    return progress


@dataclass(frozen=True)
class Failure:
    """How a rank ended before its time. `of_user`: by what the user has to mend."""

    moment: float  # time.time()
    kind: str
    message: str
    trace: str = ""
    advice: str = crash.OF_KILLED
    of_user: bool = False


# ---- the worker's side


def launch(run: Run, store: Store, device: torch.device, hooks: Hooks) -> dict:
    """Have a run trained by its ranks; the record that rank 0 wrote. The worker's threads are shared out among them.

    RankError with what ended the first rank that failed, once all are gone; UserError where it was the user's to mend.
    """
    size, threads = run.resolved.train.ranks, max(1, torch.get_num_threads() // run.resolved.train.ranks)
    with tempfile.TemporaryDirectory(prefix="ganzoo-ranks-") as folder:
        address, output = f"{folder}/socket", Path(folder, "output")
        with socket.socket(socket.AF_UNIX) as door, output.open("wb") as handle:
            door.bind(address)
            door.listen(size)
            process = subprocess.Popen(
                _torchrun(size, address), env=_environment(threads), stdin=subprocess.DEVNULL, stdout=handle, stderr=handle,
                start_new_session=True,  # Ctrl-C reaches the worker, which has them all stop in the same step
            )  # fmt: skip
            watch = _Watch(door, process, (run, store.root, device.type, threads), hooks)
            try:
                watch.until_all_are_gone()
            finally:
                watch.dismiss()
        if cause := watch.cause(size):
            rank, failure = cause
            if failure.of_user:
                raise UserError(failure.message)
            trace = failure.trace or "\n".join(output.read_text(errors="replace").splitlines()[-crash.LAST_LINES :])
            raise crash.RankError(f"rank {rank} of {size}: {failure.message}", kind=failure.kind, trace=trace, advice=failure.advice)
    return store.record(run.folder)


def _torchrun(size: int, address: str) -> list[str]:
    options = ["--standalone", "--local-addr", "localhost", "--nproc-per-node", str(size)]
    return [sys.executable, "-m", "torch.distributed.run", *options, "--module", "ganzoo.bench.ranks", address]


def _environment(threads: int) -> dict[str, str]:
    """This process' own, with its module path (a user's model is found alike) and threads."""
    places = [place or str(Path.cwd()) for place in sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": str(threads)}


class _Watch:
    """The ranks' connections, and what came over them."""

    def __init__(self, door: socket.socket, process: subprocess.Popen, job: tuple, hooks: Hooks):
        self.door, self.process, self.job, self.hooks = door, process, job, hooks
        self.pipes: dict[Connection, int | None] = {}  # → rank, once it has told
        self.done: set[int] = set()
        self.failed: dict[int, Failure] = {}
        self.stopping = False

    def until_all_are_gone(self) -> None:
        """Returns at the end of torchrun, or soon after a rank has failed."""
        while self.process.poll() is None or self.pipes:
            if self.failed and time.time() > min(one.moment for one in self.failed.values()) + LAST_WORDS_SECONDS:
                return
            if self.process.poll() is not None and not wait(list(self.pipes), LISTEN_SECONDS):
                return  # torchrun was killed, and its ranks live on
            if self.hooks.interrupted() and not self.stopping:
                self.stopping = True
                for pipe in self.pipes:
                    _tell(pipe, "stop")
            for ready in wait([self.door, *self.pipes], LISTEN_SECONDS):
                self._open() if ready is self.door else self._hear(ready)

    def _open(self) -> None:
        pipe = Connection(self.door.accept()[0].detach())
        self.pipes[pipe] = None
        _tell(pipe, self.job)
        if self.stopping:
            _tell(pipe, "stop")

    def _hear(self, pipe: Connection) -> None:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            rank = self.pipes.pop(pipe)
            pipe.close()
            if rank is not None and rank not in self.done | self.failed.keys():
                self.failed[rank] = Failure(time.time(), "RankDied", "the process ended without a word")
            return
        match message:
            case int():
                self.pipes[pipe] = message
            case ("progress", step, total):
                self.hooks.progress(step, total)
            case ("log", line):
                self.hooks.log(line)
            case ("done",):
                self.done.add(self.pipes[pipe])
            case ("failed", told):
                self.failed[self.pipes[pipe]] = Failure(**told)

    def dismiss(self) -> None:
        """Ranks that are still there see their pipe closed, and end; so does torchrun, then."""
        for pipe in self.pipes:
            pipe.close()
        self.pipes.clear()
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def cause(self, size: int) -> tuple[int, Failure] | None:
        """(rank, how) of the first to fail. One that died without a word comes before those that then found it gone."""
        if not self.failed:
            missing = set(range(size)) - self.done
            return (min(missing), Failure(time.time(), "RankDied", "the process ended before its work was done")) if missing else None
        return min(self.failed.items(), key=lambda item: (item[1].kind != "RankDied", item[1].moment))


def _tell(pipe: Connection, message: object) -> None:
    with contextlib.suppress(OSError):  # it is gone; its end of the pipe says so next
        pipe.send(message)


# ---- a rank's side

_stop = threading.Event()


def main(address: str) -> None:
    """Entry of a rank's process, which torchrun starts. SIGINT and SIGTERM: all ranks save and stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _stop.set())
    pipe, rank = Client(address), os.environ["RANK"]
    pipe.send(int(rank))
    run, root, device, threads = pipe.recv()
    threading.Thread(target=_listen, args=(pipe,), daemon=True).start()
    warnings.showwarning = lambda message, category, *_: pipe.send(("log", f"rank {rank}: {category.__name__}: {message}"))
    try:
        _train(run, Store(root), device, threads, pipe.send)
    except Exception as error:  # noqa: BLE001 (told to the worker, whatever it is)
        told = {"kind": type(error).__name__, "message": str(error), "trace": crash.last_lines(error), "advice": crash.hint(error)}
        pipe.send(("failed", told | {"moment": time.time(), "of_user": isinstance(error, UserError)}))
        os._exit(1)  # an orderly end would wait for the other ranks
    pipe.send(("done",))


def _listen(pipe: Connection) -> None:
    while True:
        try:
            pipe.recv()  # "stop" is all there is
        except (EOFError, OSError):
            os._exit(1)
        _stop.set()


def _train(run: Run, store: Store, device: str, threads: int, send: Callable[[tuple], None]) -> None:
    prepare(threads, device)
    ranks, target = join(device)
    hooks = Hooks(interrupted=_stop.is_set)
    if ranks.leads:
        hooks = Hooks(progress=seldom(send), interrupted=_stop.is_set, log=lambda line: send(("log", line)))
    Session(run, store, target, hooks, ranks).work()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
