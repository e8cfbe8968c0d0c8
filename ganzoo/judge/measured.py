"""Blessed runs of our own, raw per seed: reference_results/measured/<spec>.json. Torch-free.

    {"schema": 1, "spec": "liu",
     "blessings": [{"when": …, "reason": …, "tier": …, "git": …, "records": 24}, …],      # every one ever given, oldest first
     "records": [{"blessing": 0, …}, …]}                    # as the store holds them, but thinned; and which blessing brought each

No two records speak for the same case, seed and tier. Files from before `blessing` was written are read as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganzoo.bench.store import SCHEMA, write_text
from ganzoo.errors import ReferencesError
from ganzoo.judge.layout import laid_out
from ganzoo.spec.messages import explain
from ganzoo.spec.schema import Strict

MAX_LOSS_POINTS = 60
Text = Annotated[str, Field(min_length=1)]


class Blessing(Strict):
    """Who made these runs the reference: when (ISO 8601, UTC), why, at which tier and revision, and how many records."""

    when: Text
    reason: Text
    tier: Text
    git: str | None = None
    records: int = Field(ge=1)


class _Open(BaseModel):
    """Checks what a judge reads; whatever else a record holds passes unchanged."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class _Evaluation(_Open):
    epoch: float = Field(ge=0)
    metrics: dict[str, float | None]


class _Record(_Open):
    key: str
    spec: str
    case: str
    cases: dict[str, float] = Field(min_length=1)
    seed: int
    tier: str
    status: Literal["finished", "crashed", "partial"]
    resolved: dict[str, object]
    protocol: dict[str, object] | None
    evaluations: list[_Evaluation]
    blessing: int | None = Field(None, ge=0)


class _Measured(Strict):
    spec: str
    blessings: list[Blessing] = Field(min_length=1)
    records: list[_Record]


@dataclass(frozen=True)
class Merged:
    """What a blessing changed, counted in records."""

    added: int
    replaced: int
    kept: int


def load_measured(path: Path) -> list[dict]:
    """The blessed records of a spec, in the shape the store gives them, each with the `blessing` that brought it (None: not known).

    ReferencesError for a file that holds none.
    """
    document = _load(path)
    by_index = dict(enumerate(document["blessings"]))
    return [record | {"blessing": by_index.get(_blessing_of(record, document["blessings"]))} for record in document["records"]]


def load_blessings(path: Path) -> list[Blessing]:
    """Every blessing the file was ever given, oldest first."""
    return [Blessing.model_validate(entry) for entry in _load(path)["blessings"]]


def save_measured(path: Path, blessing: dict, records: list[dict]) -> Merged:
    """Make `records` the reference for their (case, seed, tier) and keep all others; the file is replaced as a whole.

    `blessing`: when, reason, tier, git; the number of records is filled in. A run that is there already keeps the blessing that brought
    it. ReferencesError, and nothing written, where the file there is corrupt, the records are not this spec's, or two of them speak for
    the same case, seed and tier.
    """
    old = _load(path) if path.exists() else {"schema": SCHEMA, "spec": path.stem, "blessings": [], "records": []}
    before = [record | {"blessing": _blessing_of(record, old["blessings"])} for record in old["records"]]
    brought = {_run(record): record["blessing"] for record in before}
    fresh = [thinned(record) | {"blessing": brought.get(_run(record), len(old["blessings"]))} for record in records]
    covered = {entry for record in fresh for entry in _speaks_for(record)}
    kept = [rest for record in before if (rest := _without(record, covered))]
    document = {
        "schema": SCHEMA,
        "spec": old["spec"],
        "blessings": [*old["blessings"], {**blessing, "records": len(records)}],
        "records": sorted([*kept, *fresh], key=lambda record: (record["tier"], record["case"], record["seed"])),
    }
    _check(path, document, "Bless finished runs of this spec only, one for each case, seed and tier.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, laid_out(document) + "\n")
    except OSError as error:
        raise ReferencesError(f"{path}: cannot be written ({error.strerror}). Make its folder writable.") from error
    replaced = len(old["records"]) - len(kept)
    return Merged(added=len(fresh) - replaced, replaced=replaced, kept=len(kept))


def thinned(record: dict) -> dict:
    """The record without what only its own machine can use (pictures, folder, traceback), its losses at 60 points at most.

    Points are picked, not averaged, so that swings stay visible; the first and the last stay. Six digits each.
    """
    slim = {name: value for name, value in record.items() if name != "folder"}
    slim["evaluations"] = [{name: value for name, value in entry.items() if name != "samples"} for entry in record["evaluations"]]
    if isinstance(record.get("error"), dict):
        slim["error"] = {name: value for name, value in record["error"].items() if name != "trace"}
    if losses := record.get("losses"):
        chosen = _spread_out(len(losses["step"]), MAX_LOSS_POINTS)
        slim["losses"] = {name: [_six_digits(points[i]) for i in chosen] for name, points in losses.items()}
    return slim


def _spread_out(count: int, limit: int) -> list[int]:
    """At most `limit` positions out of `count`, evenly, with both ends."""
    return list(range(count)) if count <= limit else [round(i * (count - 1) / (limit - 1)) for i in range(limit)]


def _six_digits(value: float | None) -> float | None:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _run(record: dict) -> tuple:
    """Equal for one and the same run: not merely the same key trained again."""
    return record["key"], record["seed"], record.get("started"), record.get("weights")


def _blessing_of(record: dict, blessings: list[dict]) -> int | None:
    """Index of the blessing that brought a record. One that does not say came with the only blessing of its tier, if it is the only one."""
    of_tier = [i for i, blessing in enumerate(blessings) if blessing["tier"] == record["tier"]]
    told = record.get("blessing")
    return told if told is not None else of_tier[0] if len(of_tier) == 1 else None


def _speaks_for(record: dict) -> list[tuple[str, int, str]]:
    """Every (case, seed, tier) read off a record's trajectory."""
    return [(case, record["seed"], record["tier"]) for case in record["cases"]]


def _without(record: dict, covered: set[tuple[str, int, str]]) -> dict | None:
    """The record for the cases that a newer one does not speak for; None where there are none."""
    cases = {case: epoch for case, epoch in record["cases"].items() if (case, record["seed"], record["tier"]) not in covered}
    if not cases:
        return None
    return {**record, "case": record["case"] if record["case"] in cases else next(iter(cases)), "cases": cases}


def _load(path: Path) -> dict:
    """The whole file, checked."""
    remedy = f"Restore it from git, or delete it and bless again: ganzoo bless {path.stem} --reason TEXT."
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError as error:
        raise ReferencesError(f"{path}: no blessed runs of '{path.stem}'. Bless some: ganzoo bless {path.stem} --reason TEXT.") from error
    except OSError as error:
        raise ReferencesError(f"{path}: cannot be read ({error.strerror}). {remedy}") from error
    except json.JSONDecodeError as error:
        raise ReferencesError(f"{path}:{error.lineno}: not valid JSON: {error.msg}. {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise ReferencesError(f"{path}: not a file of blessed runs: {error}. {remedy}") from error
    _check(path, document, remedy)
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number, expected null")


def _check(path: Path, document: object, remedy: str) -> None:
    """ReferencesError unless this is a file of blessed runs of the spec that it is named after."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise ReferencesError(f"{path}: schema is {found}, expected {SCHEMA}. {remedy}")
    body = {name: value for name, value in document.items() if name != "schema"}
    try:
        _Measured.model_validate(body)
    except ValidationError as error:
        faults = [f"{path}: {sentence}" for _, sentence in explain(error, _Measured, body)]
        raise ReferencesError("\n".join([*faults, remedy])) from error
    for spec in [body["spec"], *(record["spec"] for record in body["records"])]:
        if spec != path.stem:
            raise ReferencesError(f"{path}: holds runs of '{spec}', expected those of '{path.stem}', as the file is named. {remedy}")
    for record in body["records"]:
        if (told := record.get("blessing")) is not None and told >= len(body["blessings"]):
            raise ReferencesError(f"{path}: a record came with blessing {told}, expected one of the {len(body['blessings'])}. {remedy}")
    _refuse_doubles(path, body["records"], remedy)


def _refuse_doubles(path: Path, records: list[dict], remedy: str) -> None:
    """ReferencesError where two records speak for the same case, seed and tier, or one not for the case it is filed under."""
    seen: dict[tuple[str, int, str], str] = {}
    for record in records:
        if record["case"] not in record["cases"]:
            raise ReferencesError(f"{path}: a record of '{record['case']}' speaks only for {', '.join(record['cases'])}. {remedy}")
        for entry in _speaks_for(record):
            if entry in seen:
                case, seed, tier = entry
                keys = f"{seen[entry][:12]} and {record['key'][:12]}"
                raise ReferencesError(f"{path}: case '{case}', seed {seed}, tier '{tier}' stands in two records, {keys}. {remedy}")
            seen[entry] = record["key"]
