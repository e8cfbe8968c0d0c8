"""Records that are not all of one making: other code, another device, torch or preloaded library. They are judged together all the
same, for seeds differ by more than that, but never without saying so. Also what two runs must share to be the same to the bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ganzoo.judge.words import listing, runs

MATTERS = ("device", "torch", "threads")  # of a record's environment; `variables` beside them
MOVES_BITS = (*MATTERS, "device_name", "cpu_capability", "tf32")
TOLD_BY_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # variables that only set what `threads` records
SHORT = 9  # digits of a digest

Records = list[Mapping]


def mixtures(records: Iterable[Mapping]) -> list[str]:
    """One sentence for each way in which these records differ in their making; empty where all agree."""
    distinct = list({(record["key"], record["seed"]): record for record in records}.values())
    return [*_of_code(distinct), *_of_environment(distinct)]


def moves_bits(record: Mapping) -> dict:
    """The part of its environment that two runs of one key must share to be held to the same weights."""
    environment = record.get("environment") or {}
    return {**{name: environment.get(name) for name in MOVES_BITS}, **_variables(environment)}


def _of_code(records: Records) -> list[str]:
    """Told for each model: its own file is in the digest, so the digests of two models differ at any revision.

    Models with one digest each are of one revision where they share a commit; where they do not, nobody can tell.
    """
    of_model: dict[str | None, Records] = {}
    for record in records:
        of_model.setdefault(record["resolved"].get("model", {}).get("name"), []).append(record)
    mixed = {model: own for model, own in of_model.items() if len({record.get("code") for record in own}) > 1}
    if mixed:
        return [_revisions(own, f" of {model}" if len(of_model) > 1 else "") for model, own in mixed.items()]
    bridged = _bridged([{_commit(record) for record in own} for own in of_model.values()])
    return [] if bridged else [_revisions(records, " without a common commit")]


def _revisions(records: Records, which: str) -> str:
    """ "Records of 2 code revisions: 9401cd4 with code ba61706 (3 runs), …": most used first."""
    commits: dict[str, dict[str, None]] = {}
    for record in records:
        commits.setdefault(_short(record.get("code")), {})[_short((record.get("environment") or {}).get("git"))] = None
    used = Counter(_short(record.get("code")) for record in records)
    told = [f"{' and '.join(commits[code])} with code {code} ({runs(count)})" for code, count in used.most_common()]
    return f"Records of {len(used)} code revisions{which}: {', '.join(told)}."


def _short(digest: str | None) -> str:
    return (digest or "unknown")[:SHORT]


def _commit(record: Mapping) -> tuple:
    environment = record.get("environment") or {}
    return tuple(environment.get(name) for name in ("ganzoo", "git", "git_dirty"))


def _bridged(commits_of: list[set[tuple]]) -> bool:
    """Whether a chain of common commits joins all of these sets."""
    reached, left = set(), commits_of
    while left:
        joined = [commits for commits in left if not reached or commits & reached]
        if not joined:
            return False
        reached |= joined[0]
        left = [commits for commits in left if commits is not joined[0]]
    return True


def _of_environment(records: Records) -> list[str]:
    found = [record.get("environment") or {} for record in records]
    parts = [{**{name: one.get(name) for name in MATTERS}, **_variables(one)} for one in found]
    told = []
    for name in dict.fromkeys(name for part in parts for name in part):
        counted = Counter(str(part.get(name, "unset")) for part in parts)
        if len(counted) > 1:
            told.append(f"Records of different {name}: {listing(f'{value} ({runs(n)})' for value, n in counted.most_common())}.")
    return told


def _variables(environment: Mapping) -> dict[str, str]:
    return {name: value for name, value in (environment.get("variables") or {}).items() if name not in TOLD_BY_THREADS}
