"""What `ganzoo show` prints, as data: the one complete case with the source of every value, or a spec's overview."""

from __future__ import annotations

from typing import NamedTuple

from ganzoo.spec.idle import idle
from ganzoo.spec.spec import Resolved, Spec, Tier
from ganzoo.spec.tree import dotted


class Row(NamedTuple):
    """One setting. `kind` and `text`: where its value comes from."""

    path: str
    value: object
    kind: str
    text: str


def rows(resolved: Resolved) -> list[Row]:
    """Every setting that the case has, in the schema's order."""
    unused = idle(resolved.case)
    return [Row(path, value, **resolved.sources[path]) for path, value in dotted(resolved.as_dict()).items() if path not in unused]


def case_as_dict(resolved: Resolved) -> dict:
    """JSON-ready; the networks' parameter counts are the caller's to add, since they need torch and the data's shape."""
    return {
        "spec": resolved.spec,
        "case": resolved.name,
        "title": resolved.title,
        "tier": resolved.tier,
        "tier_overrides": resolved.tier_overrides,
        "stand_in": resolved.stand_in,
        "resolved": resolved.as_dict(),
        "sources": resolved.sources,
    }


def _tier(tier: Tier) -> dict:
    inner = {part: {key: dict(layer.overrides) for key, layer in getattr(tier, part).items()} for part in ("stand_ins", "models")}
    return {"cost": tier.cost, "stand_in": tier.stand_in, "overrides": tier.overrides, **inner}


def spec_as_dict(spec: Spec) -> dict:
    """JSON-ready: what each case and tier changes, the claims, the default seeds."""
    return {
        "spec": spec.name,
        "document": spec.document,
        "title": spec.title,
        "header": spec.header,
        "cases": {name: {"title": entry.title, "overrides": entry.overrides} for name, entry in spec.cases.items()},
        "tiers": {name: _tier(tier) for name, tier in spec.tiers.items()},
        "claims": [claim.model_dump(mode="json") for claim in spec.claims],
        "numbers": [number.model_dump(mode="json") for number in spec.numbers],
        "seeds": spec.seeds,
    }
