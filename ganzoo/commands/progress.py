"""Bars while runs go on: one for all, one for each that is running. On stderr; nothing where that is no terminal."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ganzoo.bench.plan import Run
from ganzoo.commands.terminal import console


class Bars:
    """A listener of `ganzoo.bench.executor.run_all`, used as a context manager."""

    def __init__(self, total: int):
        out = console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=out, transient=True, disable=not out.is_terminal,
        )  # fmt: skip
        self.all = self.progress.add_task("runs", total=total)
        self.running: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.progress.stop()

    def __call__(self, run: Run, message: tuple) -> None:
        kind, *values = message
        if kind == "started":
            self.running[run.key] = self.progress.add_task(label(run), total=run.total_steps)
        elif kind == "progress":
            self.progress.update(self.running[run.key], completed=values[0], description=label(run))
        elif kind == "waiting":
            self.progress.update(self.running[run.key], description=f"{label(run)} (another process holds it)")
        else:  # done or refused
            self.progress.remove_task(self.running.pop(run.key))
            self.progress.advance(self.all)


def label(run: Run) -> str:
    return f"{run.spec}/{run.case} seed {run.seed}"
