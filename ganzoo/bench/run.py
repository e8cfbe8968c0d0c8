"""Run one training to its stops: resume, train, evaluate, checkpoint, record. The checkpoint is the truth; the record follows from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch import Tensor, nn

from ganzoo.bench.catalogue import reals_of
from ganzoo.bench.counts import flops_per_step
from ganzoo.bench.environment import forget_peak_memory
from ganzoo.bench.grid import save_grid
from ganzoo.bench.looks import Looks
from ganzoo.bench.plan import Run, epoch_of, load_images, steps_per_epoch
from ganzoo.bench.probing import probe_case
from ganzoo.bench.reach import reached, whole
from ganzoo.bench.recording import Progress, record_of
from ganzoo.bench.scatter import save_scatter
from ganzoo.bench.sides import held_out, two_sided
from ganzoo.bench.store import Store, write_text
from ganzoo.bench.translations import QUALITIES, show_translations
from ganzoo.errors import CheckpointError
from ganzoo.metrics.encode import NotFinite
from ganzoo.metrics.evaluate import evaluate, evaluate_selection, evaluate_truncated
from ganzoo.metrics.measure import metric_names
from ganzoo.metrics.probe import PROBES
from ganzoo.metrics.reals import reals_for
from ganzoo.metrics.translator import Translator
from ganzoo.spec.schema import Train
from ganzoo.train import checkpoint
from ganzoo.train.distributed import ALONE, Agreement, Ranks
from ganzoo.train.loop import train
from ganzoo.train.state import State

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Hooks:
    """How a run talks to whoever started it."""

    progress: Callable[[int, int], None] = lambda step, total: None  # G steps done, of how many
    interrupted: Callable[[], bool] = lambda: False  # asked once a step
    checkpoint_seconds: float = 60.0
    log: Callable[[str], None] = lambda line: None


class Session:
    """One run while it is being worked on. Where several ranks share its batches each has a session of its own; rank 0's evaluates and
    writes, the others train along."""

    def __init__(self, run: Run, store: Store, device: torch.device, hooks: Hooks, ranks: Ranks = ALONE):
        self.run, self.store, self.device, self.hooks, self.ranks = run, store, device, hooks, ranks
        self.path = store.root / run.folder
        self.known = store.record(run.folder) or {}
        forget_peak_memory(device)  # a worker's earlier runs are not this one's
        begun = time.perf_counter()
        self.images = load_images(run.resolved)
        self.progress = Progress(data_seconds=time.perf_counter() - begun)
        self.held = held_out(run.resolved) if two_sided(run.resolved) else None
        self.per_epoch = steps_per_epoch(run.resolved, len(self.images))
        self.total = run.total_steps
        self.reals = reals_of(run.resolved, run.protocol)
        reals = reals_for(run.protocol, str(device), self.reals) if ranks.leads else None  # missing reals are told before any training
        self.state, kept = self._state()
        if reals is None:
            return
        self.looks = Looks(run.resolved, run.protocol, reals, run.seed, self.total, device, self.measured)
        if kept:
            self.looks.restore(kept)
        part = run.resolved.model_copy(update={"train": self._share_of(run.resolved.train)})
        self.flops = ranks.size * flops_per_step(part, self.state.g, self.state.d, self.state.batches.shape)

    def _share_of(self, settings: Train) -> Train:
        """The training that one rank does."""
        return settings.model_copy(update={"batch_size": settings.batch_size // self.ranks.size})

    def measured(self, state: State) -> nn.Module:
        """G as evaluations see it, with its sources if it translates."""
        g = state.evaluated
        return g if self.held is None else Translator(g, self.held, self.run.resolved.data.range, self.run.resolved.eval.num_select)

    def _state(self) -> tuple[State, dict]:
        """Where the checkpoint left off, with the looks so far; from the start without one, or where a stop lies before it that was not
        evaluated.

        A checkpoint beyond the last stop stays the end of this session, so that a longer case keeps what it has.
        """
        path = self.path / CHECKPOINT
        tensors, meta = checkpoint.load(path) if path.exists() else ({}, None)
        if meta and meta.get("key") != self.run.key:
            raise CheckpointError(
                f"checkpoint {path} belongs to run {meta.get('key')}, expected {self.run.key}. Delete it to start afresh."
            )
        done = meta["training"]["step"] if meta else 0
        self.total = max(self.total, done)
        images, labels = (self.images.images, self.images.labels.to(self.device)) if self.held is None else (self.images, None)
        state = State.fresh(self.run.resolved, images.to(self.device), self.run.seed, self.total, self.device, labels, self.ranks)
        if not meta:
            return state, {}
        kept = Progress(**meta["progress"])
        if any(step < done and not whole(kept.evaluations, step, self.run.resolved) for step, _ in self.run.stops.values()):
            self.hooks.log(f"a stop before step {done} was not evaluated when the training passed it: training again from the start")
            return state, {}
        torch.set_num_threads(kept.threads)  # another count may round differently; a resumed run must not
        try:
            state.restore(tensors, meta["training"])
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
        self.progress = kept
        self.hooks.log(f"resumed at step {state.step} of {self.total}")
        return state, {name.removeprefix("looks/"): value for name, value in tensors.items() if name.startswith("looks/")}

    def points(self) -> list[int]:
        """G steps at which to evaluate: every so many epochs or steps, and where a case is read off."""
        every = self.run.resolved.eval.every_steps or self.run.resolved.eval.every_epochs * self.per_epoch
        return sorted({*range(every, self.total + 1, every), *(step for step, _ in self.run.stops.values())})

    def save(self) -> None:
        """Collective: each rank's streams are in the checkpoint that rank 0 writes."""
        tensors, training = self.state.pack()
        if not self.ranks.leads:
            return
        tensors |= {f"looks/{name}": value for name, value in self.looks.state().items()}
        checkpoint.save(self.path / CHECKPOINT, tensors, {"key": self.run.key, "training": training, "progress": vars(self.progress)})
        self.store.write_record(self.run.folder, self.record("partial"))

    def work(self) -> dict | None:
        """Train and evaluate up to the last stop; the finished record, or the partial one after an interruption. None but on rank 0."""
        batch, threads = self.run.resolved.train.batch_size, torch.get_num_threads()
        shared = f" among {self.ranks.size} ranks" if self.ranks.size > 1 else ""
        self.hooks.log(f"seed {self.run.seed}, {self.total} steps of {batch}{shared}, {self.device.type}, {threads} threads")
        saved, agreed = time.monotonic(), Agreement(self.ranks)

        def after_step(state: State) -> bool:
            nonlocal saved
            if self.ranks.leads:
                self.looks.after(state)
            self.hooks.progress(state.step, self.total)
            due = time.monotonic() - saved > self.hooks.checkpoint_seconds and state.step < self.total
            stop, save = agreed.on(self.hooks.interrupted(), due)
            if save:
                clock.pause()
                self.save()
                saved = time.monotonic()
                clock.resume()
            return stop

        if self.state.step == 0 and self.ranks.leads:
            self._before_the_first_step()
        if self.ranks.size > 1:
            self.ranks.check_equal(self.state.weights_digest(), "the weights to begin with")
        for point in self.points():
            clock = _Clock(self)
            reached = train(self.run.resolved, self.state, point, after_step=after_step)
            clock.pause()
            if not reached:
                self.save()
                return self.record("partial")
            if self.state.step == point and not whole(self.progress.evaluations, point, self.run.resolved, self._is_stop(point)):
                if self.ranks.leads:
                    self._evaluate(point)
                self.save()
                saved = time.monotonic()
        record = self.record("finished")
        if self.ranks.leads:
            self.store.write_record(self.run.folder, record)
        return record

    def _is_stop(self, step: int) -> bool:
        return any(step == end for end, _ in self.run.stops.values())

    def _before_the_first_step(self) -> None:
        """What a training that learns nothing does not get better than."""
        begun = time.perf_counter()
        self.looks.after(self.state)
        try:
            self.progress.start = evaluate_selection(
                self.measured(self.state), self.run.protocol, self.run.resolved, self.run.seed, str(self.device), self.reals
            )
        except NotFinite:
            self.progress.start = None
        self.progress.eval_seconds += time.perf_counter() - begun

    def _evaluate(self, step: int) -> None:
        begun = time.perf_counter()
        run, case, device = self.run, self.run.resolved, str(self.device)
        g = self.measured(self.state)
        epoch = epoch_of(step, self.per_epoch)
        entry: dict = {"epoch": epoch, "step": step}
        try:
            if not all(bool(value.isfinite().all()) for value in g.state_dict().values()):
                raise NotFinite("weights are not finite")
            made: list[Tensor] = []  # kept of translations alone
            seen = (lambda images: made.append(images.cpu())) if isinstance(g, Translator) else (lambda images: None)
            found, select = evaluate(g, run.protocol, case, run.seed, device, self.reals, seen)
            metrics = found.metrics
            if self._is_stop(step):
                entry |= self._at_the_end(g, metrics)
            samples = f"samples/step-{step:07d}.png"
            if isinstance(g, Translator):
                quality = show_translations(self.path / samples, g, torch.cat(made))
                if quality is not None:
                    metrics |= quality.means()
                    told = [{"code": one.code, "message": one.message} for one in quality.warnings()]
                    found.warnings.extend(told)
            elif run.protocol.points:
                save_scatter(self.path / samples, g, case, run.protocol, device)
            else:
                save_grid(self.path / samples, g, case, device)
            if found.warnings:
                entry["warnings"] = found.warnings
        except NotFinite:  # diverged: there is nothing to measure, and the record says so
            names = [*metric_names(run.protocol), *(QUALITIES if self.held is not None and self.held.paired else ())]
            metrics, select, samples = dict.fromkeys(names), {"frechet": None}, None
        entry |= {"metrics": metrics, "select": select, "weights": self.state.weights_digest(), "samples": samples}
        entry["seconds"] = round(time.perf_counter() - begun, 3)
        self.progress.eval_seconds += entry["seconds"]
        others = [other for other in self.progress.evaluations if other["step"] != step]
        self.progress.evaluations = sorted([*others, entry], key=lambda e: e["step"])
        shown = "diverged" if metrics["frechet"] is None else f"frechet {metrics['frechet']:.2f}"
        self.hooks.log(f"epoch {epoch}: {shown}")

    def _at_the_end(self, g: nn.Module, metrics: dict) -> dict:
        """What only a case's last evaluation measures: {"truncated": …}; the probe's accuracies join `metrics`."""
        run, case, device = self.run, self.run.resolved, str(self.device)
        found = {}
        if case.eval.truncations:
            found["truncated"] = evaluate_truncated(g, run.protocol, case, run.seed, device, self.reals)
        if case.eval.probe:
            try:
                metrics |= probe_case(case, g, self.state.d, self.images, run.seed, self.device)
            except NotFinite:  # a diverged D: its features are none, and G's numbers stand
                metrics |= dict.fromkeys(PROBES)
        return found

    def record(self, status: str) -> dict | None:
        """The record as of now, on rank 0. Collective where steps were done since the last checkpoint."""
        self.state.average_losses()
        return record_of(self, status) if self.ranks.leads else None


class _Clock:
    """Adds the seconds between resume and pause to the training's time; the device is waited for at the end."""

    def __init__(self, session: Session):
        self.session = session
        self.resume()

    def resume(self) -> None:
        self.begun = time.perf_counter()

    def pause(self) -> None:
        if self.session.device.type == "cuda":
            torch.cuda.synchronize(self.session.device)
        self.session.progress.train_seconds += time.perf_counter() - self.begun


Work = Callable[[Run, Store, torch.device, Hooks], dict]


def here(run: Run, store: Store, device: torch.device, hooks: Hooks) -> dict:
    """Train and evaluate in this process."""
    return Session(run, store, device, hooks).work()


def execute(run: Run, store: Store, device: torch.device, hooks: Hooks | None = None, work: Work = here) -> dict:
    """Bring a run to its stops, by `work`, or find that it is there already; the record. The caller holds the run's lock.

    Exceptions pass: whether they become a row is the executor's business.
    """
    known = store.record(run.folder)
    if known and reached(known, run):
        return known
    folder: Path = store.root / run.folder
    folder.mkdir(parents=True, exist_ok=True)
    for scrap in folder.glob(".*.part"):  # of a writer that was killed
        scrap.unlink()
    write_text(folder / "case.yaml", yaml.safe_dump(run.resolved.model_dump(mode="json"), sort_keys=False))
    return work(run, store, device, hooks or Hooks())
