"""What `ganzoo evaluate` adds to its numbers so that a stranger can measure them again, and the page it writes with --page."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import ganzoo
from ganzoo.bench.environment import revision
from ganzoo.errors import UserError
from ganzoo.metrics import protocols
from ganzoo.metrics.protocol import CASE, Protocol
from ganzoo.report import render_evaluation
from ganzoo.report.evaluator_steps import NONE_OF_THEM
from ganzoo.report.samples import Strip, strip

if TYPE_CHECKING:
    from ganzoo.commands.sides import Asked, Fakes

SHOWN = 8  # samples on the page


def check_page(path: Path | None) -> None:
    """UserError before anything is measured where the page could not be written, or would take the index's place."""
    if path is not None and (path.suffix.lower() != ".html" or path.name == "index.html" or path.is_dir()):
        raise UserError(f"--page {path}: expected a file FILE.html, other than index.html.")


def with_origin(told: dict, asked: Asked, page: Path | None, fakes: Fakes, protocol: Protocol) -> dict:
    """What was measured, with the settings of its generator, the protocol's departures from its name, the command and the code."""
    trained = fakes.trained
    if trained:
        of = trained.record
        environment = of.get("environment") or {}
        code = {name: environment.get(name) for name in ("git", "git_dirty")}
        generator = {"key": of["key"], "weights": of.get("weights"), **code, "resolved": of["resolved"]}
        told = told | {"fake": told["fake"] | generator}
        if asked.real is None and trained.case.data.path:
            told = told | {"real": {"pack": Path(trained.case.data.path).name} | told["real"]}
    commit, changed = revision()
    return told | {
        "departures": departures(protocol, generated=trained is not None, real_named=asked.real is not None),
        "command": _command(asked, page, fakes),
        "made": {
            "when": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ganzoo": ganzoo.__version__,
            "git": commit,
            "git_dirty": changed,
            "torch": version("torch"),
        },
    }


def departures(protocol: Protocol, *, generated: bool, real_named: bool) -> dict[str, list]:
    """Field → [the named protocol's own value, the one measured with], where they differ; what it leaves to the user is no departure."""
    base = protocol.name.partition("@")[0]
    own = protocols.get(base if base in protocols.names() else protocol.name)
    left = {"name", "weights", "ema", "real_digest"}  # told by another field, or the case's
    if own.real_data == CASE and not (generated and real_named):
        left.add("real_data")
    if protocol.real_split == "all":  # loose files have no splits
        left.add("real_split")
    return {
        field: [getattr(own, field), getattr(protocol, field)]
        for field in Protocol.__dataclass_fields__
        if field not in left and getattr(own, field) != getattr(protocol, field)
    }


def _command(asked: Asked, page: Path | None, fakes: Fakes) -> str:
    """The command, its files without the folders that they lie in on this machine; a run as it lies below results/."""
    fake = Path(asked.fake).name if Path(asked.fake).is_absolute() else asked.fake
    if fakes.trained:
        of = fakes.trained.record
        fake = f"results/{of['spec']}/{of['case']}/{of['key'][:12]}-s{of['seed']}"
    real = Path(asked.real).name if asked.real and Path(asked.real).is_absolute() else asked.real
    options = {
        "--fake": fake, "--real": real, "--protocol": asked.protocol, "--num-fake": asked.num_fake, "--num-real": asked.num_real,
        "--resize": asked.resize, "--seed": asked.seed,
    }  # fmt: skip
    words = ["ganzoo", "evaluate", *(str(word) for name, value in options.items() if value is not None for word in (name, value))]
    words += ["--steps"] * asked.steps + (["--page", page.name] if page else [])
    return shlex.join(words)


def write_page(path: Path, told: dict, fakes: Fakes, protocol: Protocol, device: str) -> Path:
    """The page of a measurement, with its first samples: as the protocol sees them, and with --steps as they are, too. Points have none."""
    if protocol.points:
        return render_evaluation(told, [], path)
    plain = protocols.steps(protocol).get(NONE_OF_THEM) if told.get("steps") else None
    seen = f"as {protocol.name} sees them"
    if fakes.stored is not None or plain is None:
        strips = [_strip(seen, fakes, protocol, device)]
    else:
        strips = [_strip(f"{seen}: {_changes(protocol)}", fakes, protocol, device), _strip("as they are", fakes, plain, device)]
    return render_evaluation(told, strips, path)


def _changes(protocol: Protocol) -> str:
    done = ["negative half clipped"] * (not protocol.denormalised) + [f"JPEG, quality {protocol.jpeg}"] * (protocol.jpeg is not None)
    return ", ".join(done) or "no change to their pixels"


def _strip(title: str, fakes: Fakes, protocol: Protocol, device: str) -> Strip:
    first = next(fakes.chunks(replace(protocol, num_fake=min(SHOWN, fakes.count)), device))
    return strip(title, first.cpu().numpy())
