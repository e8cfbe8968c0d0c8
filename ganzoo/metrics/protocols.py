"""The protocols by name. `NAME@EXTRACTOR` puts another network into one: a protocol of its own, never equal to the original."""

from __future__ import annotations

from dataclasses import replace

from ganzoo.errors import SpecError, UserError, nearest
from ganzoo.metrics import extractors
from ganzoo.metrics.extractors import classifier
from ganzoo.metrics.protocol import CASE, EACH_BEST, SHUFFLED, Protocol

# Inception's features are 2048: the kernel distance and the neighbours of 50,000 images a side would take hours on a CPU.
_OF_THE_CASE = {"real_data": CASE, "real_split": "train", "real_order": "shuffled", "subset": SHUFFLED, "num_kid": 10_000}
_LARGE = {**_OF_THE_CASE, "num_fake": 50_000, "num_neighbours": 10_000}

# Toy data, whose modes are known: as in the literature on lost modes, one fake in a mode is enough.
_POINTS = {"real_split": "test", "mode_share": 0.0, "num_neighbours": 2_000, "points": True, "quantisation": "none: floats as they are"}
_STACKS = {"mode_share": 0.0, "num_fake": 26_000, "num_kid": 5_000}  # as many fakes as Srivastava et al. 2017 (VEEGAN) count on

_PROTOCOLS: dict[str, dict] = {
    # digits: its test split holds 360 images, too few for moments in 32 dimensions, so the reals are the training split.
    "digits-cnn": {"extractor": "digits-cnn", "real_data": "digits", "real_split": "train"},
    # mnist: the test split, which neither the GAN nor the classifier has seen.
    "mnist-cnn": {"extractor": "mnist-cnn", "real_data": "mnist", "real_split": "test"},
    "mnist32-cnn": {"extractor": "mnist32-cnn", **_OF_THE_CASE, "real_split": "test"},  # the test split, at the case's own data.resize
    "cifar10-cnn": {"extractor": "cifar10-cnn", **_OF_THE_CASE},
    "images64-cnn": {"extractor": "images64-cnn", **_OF_THE_CASE},
    "ring": {"extractor": "ring-modes", "real_data": "ring", **_POINTS},
    "grid": {"extractor": "grid-modes", "real_data": "grid", **_POINTS},
    # as for the digits alone: the test stacks are made of only 360 of them
    "stacked-digits": {"extractor": "stacked-digits-cnn", "real_data": "stacked-digits", "real_split": "train", **_STACKS},
    "stacked-mnist": {"extractor": "stacked-mnist-cnn", "real_data": "stacked-mnist", "real_split": "test", **_STACKS},
    "stacked-mnist32": {"extractor": "stacked-mnist32-cnn", **_OF_THE_CASE, "real_split": "test", **_STACKS},
    "tf-inception": {"extractor": "tf-inception", **_LARGE},
    "tf-inception-test": {"extractor": "tf-inception", **_LARGE, "real_split": "test"},
    "clean-fid": {"extractor": "clean", **_LARGE},
    "clean-fid-test": {"extractor": "clean", **_LARGE, "real_split": "test"},
    "torchvision-inception": {"extractor": "torchvision-inception", **_LARGE},
    "dinov2": {"extractor": "dinov2", **_LARGE},
    # The evaluator of github.com/rikenmehta03/gan_mine at 3693ba3, step by step: evaluation_metric/*.py.
    "iyengar-2018": {
        "extractor": "torchvision-inception",
        "real_data": CASE,
        "real_split": "train",
        "real_batch": 64,  # its loader drops the last partial batch
        "num_fake": 10_240,
        "num_kid": 10_000,
        "subset": SHUFFLED,
        # assumed: today's save_image; their torchvision is not pinned, and an early one cut off instead of rounding
        "quantisation": "uint8 as torchvision's save_image does it: taken for 0..1, scaled to 0..255, rounded half up, clipped",
        "batch_norm": "statistics of each batch of 64 (train mode: their evaluator never leaves it)",
        "fake_batch": 64,
        "denormalised": False,
        "jpeg": 75,  # Pillow's default, 4:2:0
        "real_range": (-1.0, 1.0),
        "fake_range": (0.0, 1.0),
        "score_range": (0.0, 1.0),
        "channel_shift": True,
        "checkpoint": EACH_BEST,
    },
}
OWN = "own"  # `own@package.module:Class`: a user's network under the suite's own steps
_BASES = {**_PROTOCOLS, OWN: _OF_THE_CASE}


def names() -> list[str]:
    return sorted(_PROTOCOLS)


def get(name: str) -> Protocol:
    """The protocol `name` at its own scale; SpecError with the nearest valid name where there is none.

    A user's network may be put in: `own@package.module:Class`, or `iyengar-2018@cifar10-cnn`.
    """
    base, _, network = name.partition("@")
    if base not in _BASES or ("@" in name and not network) or (base == OWN and not network):
        raise SpecError(f"unknown protocol '{name}'.{nearest(name, names())} Another network goes in as NAME@EXTRACTOR.")
    settings = _BASES[base]
    extractor = network or settings["extractor"]
    try:
        card = extractors.card(extractor)
    except UserError as error:
        raise SpecError(f"protocol '{name}': {error}") from error
    points = card.get("points", False)
    if points != settings.get("points", False) and (points or network):
        raise SpecError(
            f"protocol '{name}': '{extractor}' reads {'points' if points else 'images'}, protocol '{base}' is for "
            f"{'images' if points else 'points'}. Points are measured by protocols ring and grid, and images by the others."
        )
    grey = {"channel_shift": False} if card["channels"] != 3 else {}  # the shift is one for red, green and blue
    way = {} if extractor in classifier.names() else {"preprocessing": card["preprocessing"]}
    return Protocol(**{"name": name, **settings, "extractor": extractor, "weights": card["sha256"], **grey, **way})


def steps(protocol: Protocol) -> dict[str, Protocol]:
    """What each quirk of an evaluator does to the number: the protocol without it, one at a time, and without all of them.

    Only the steps that this protocol takes. Which evaluation is reported, and of how many samples, are no steps of one measurement's way,
    so they stay.
    """
    if protocol.points:
        return {}
    plain = {field: Protocol.__dataclass_fields__[field].default for field in Protocol.__dataclass_fields__}
    quirks = {
        "negative half not clipped": ("denormalised", "quantisation"),
        "no JPEG": ("jpeg",),
        "reals and fakes in one range": ("real_range",),
        "no channel shift": ("channel_shift",),
        "score in the network's own range": ("score_range",),
        "running statistics": ("batch_norm", "fake_batch"),
        "all reals": ("real_batch",),
    }
    without = {}
    for step, changed in quirks.items():
        if all(getattr(protocol, field) == plain[field] for field in changed):
            continue
        values = {field: plain[field] for field in changed}
        if step == "reals and fakes in one range":
            values = {"real_range": protocol.fake_range}
        without[step] = replace(protocol, **values)
    if without:
        fields = {"fake_range", *(field for changed in quirks.values() for field in changed)}
        without["none of them"] = replace(protocol, **{field: plain[field] for field in fields})
    return without
