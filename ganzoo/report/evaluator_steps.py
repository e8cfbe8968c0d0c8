"""The steps of the evaluator `iyengar-2018` in words: what its authors' code does, and what the row without it measures."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "github.com/rikenmehta03/gan_mine, 3693ba3"
AS_IT_IS = "as it is"
NONE_OF_THEM = "none of them"  # the protocol's own word for the row without any step


@dataclass(frozen=True)
class Step:
    """`short`: the step within a sentence. `row`: the name of the row without it. `file`: where in the authors' code it stands."""

    short: str
    row: str
    title: str
    does: str
    off: str
    file: str


# By the names that `metrics.protocols.steps` gives them.
STEPS = {
    "negative half not clipped": Step(
        short="clipping",
        row="without clipping",
        title="The negative half is clipped",
        does="G ends in tanh, so its pixels lie in (−1, 1). They are handed to save_image as they are, which takes them for "
        "0..1: whatever is negative becomes black, and half of the range is lost.",
        off="pixels are mapped from (−1, 1) to 0..255 before they are stored",
        file="evaluation_metric/evaluate.py, _save_images",
    ),
    "no JPEG": Step(
        short="JPEG",
        row="without JPEG",
        title="Samples pass through JPEG files",
        does="Every sample is written as a .jpeg at Pillow's default quality, 75, with colours at half the resolution, and read back. "
        "The reals do not take this way.",
        off="the network sees the pixels that were generated",
        file="evaluation_metric/evaluate.py, _save_images",
    ),
    "reals and fakes in one range": Step(
        short="the two ranges",
        row="one range for both",
        title="Reals and samples come in two ranges",
        does="Reals are normalised to (−1, 1), samples are read back in (0, 1). The same picture has one set of features as a real, "
        "and another as a sample.",
        off="both in (0, 1)",
        file="data_loader/loader.py, load_celeb, load_cifar10, … against load_folder",
    ),
    "no channel shift": Step(
        short="the channel shift",
        row="without the channel shift",
        title="Every channel is shifted",
        does="The features' network rescales red, green and blue each on its own, as torchvision does for inputs that were normalised "
        "by ImageNet's mean and spread. None of these images was.",
        off="the range goes to the network as it is",
        file="evaluation_metric/inception.py, forward",
    ),
    "score in the network's own range": Step(
        short="the score's range",
        row="score in the network's own range",
        title="The score is taken in (0, 1)",
        does="The network that gives the score is shown samples in (0, 1); it was trained on (−1, 1).",
        off="the score's network is shown samples as it asks for them",
        file="evaluation_metric/inception_score.py; data_loader/loader.py, load_folder",
    ),
    "running statistics": Step(
        short="batch statistics",
        row="with running statistics",
        title="G stays in training mode",
        does="The generator is never put into evaluation mode: its batch norm uses the statistics of each 64 samples that it makes, not "
        "those it gathered in training, and spectral norm goes on iterating.",
        off="batch norm by running statistics",
        file="evaluate.py; evaluation_metric/evaluate.py, _generate",
    ),
    "all reals": Step(
        short="the dropped reals",
        row="every real counts",
        title="The last batch of reals is dropped",
        does="The loader leaves out the last batch of 64 where it is not full: up to 63 reals are never looked at.",
        off="the last batch of reals is looked at, too",
        file="data_loader/loader.py, loader",
    ),
    NONE_OF_THEM: Step(
        short="all of them",
        row="none of the steps",
        title="None of the steps",
        does="",
        off="samples and reals reach the network as the network itself asks for them",
        file="",
    ),
}


def step_of(name: str) -> Step:
    """A step by its name; one that has no words yet is shown under its name."""
    return STEPS.get(name) or Step(short=name, row=name, title=name, does="", off="", file="")
