"""What every metric key means to a judge: what is worse than what, and its name where the protocol gives none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ganzoo.spec.metric_names import DIRECTION, EPOCH_OF, PROBES, SCALARS, Direction, direction, parted

__all__ = ["DIRECTION", "LABEL", "SCALARS", "Direction"]
__all__ += ["badness", "direction", "is_epoch_of", "is_measured", "label", "listed"]

# Used only where a record's protocol names none. Neutral on purpose: "FID" and "IS" belong to the Inception protocols, which say so.
LABEL: dict[str, str] = {
    "frechet": "Fréchet distance of features",
    "kid": "kernel distance of features",
    "is": "label score (exp of mutual information)",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "modes": "classes reached",
    "entropy": "entropy of mean predicted labels (nats)",
    "mode_kl": "KL of the modes' shares to the data's (nats)",
    "high_quality": "share of high-quality samples",
    "l1": "L1 distance to the target (pixels in [0, 1])",
    "psnr": "PSNR to the target (dB)",
    "ssim": "SSIM to the target",
    "d_loss_variation": "variation of D's loss",
    "g_loss_variation": "variation of G's loss",
    "seconds_per_epoch": "seconds per epoch",
    "probe_d": "probe accuracy on D's features",
    "probe_g": "probe accuracy on G's features",
    "probe_pixels": "probe accuracy on raw pixels",
    "probe_untrained_d": "probe accuracy on an untrained D's features",
    "probe_untrained_g": "probe accuracy on an untrained G's features",
    "d_loss_mean": "mean of D's loss (a description; higher counts as better)",
    "g_loss_mean": "mean of G's loss (a description; higher counts as better)",
    **{metric: f"epoch at which '{event}' is first seen (never counts as latest)" for metric, event in EPOCH_OF.items()},
    "parameters": "parameters",
}


def label(metric: str, protocol: Mapping | None = None) -> str:
    """The protocol's own name of a metric, else a neutral one, else the key; a truncation is added."""
    plain, threshold = parted(metric)
    name = ((protocol or {}).get("labels") or {}).get(plain) or LABEL.get(plain, plain)
    return name if threshold is None else f"{name}, z truncated at {threshold:g}"


def is_measured(metric: str) -> bool:
    """Whether it is taken at each evaluation and has a better and a worse."""
    return metric in DIRECTION and metric not in (*PROBES, *SCALARS, *EPOCH_OF)


def is_epoch_of(metric: str | None) -> bool:
    """Whether it is the epoch of an event: infinite where the event never came, which is no divergence but the best there is."""
    return metric in EPOCH_OF


def badness(metric: str, value: float) -> float:
    """The value turned so that lower is better; every non-finite value (a diverged training) becomes +inf, the worst.

    An event that never came is later than any epoch: −inf. KeyError for a metric without a direction.
    """
    turned = value if direction(metric) == "lower" else -value
    if abs(value) < float("inf") or (is_epoch_of(metric) and value == float("inf")):
        return turned
    return float("inf")


def listed(names: Iterable[str]) -> list[str]:
    """Those of the names that a table of metrics shows, in its order, a truncated one behind its own kind. Epochs of events are no such."""
    order = [metric for metric in DIRECTION if not is_epoch_of(metric)]
    known = {name for name in names if parted(name)[0] in order}
    return sorted(known, key=lambda name: (order.index(parted(name)[0]), parted(name)[1] or 0.0))
