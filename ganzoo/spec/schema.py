"""The resolved case: every setting that decides what a run computes. Torch-free.

A field's description says what the setting does; where a spec does not give it, the default stands and is shown with
the source "assumed: suite default".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _rising(limits: tuple[float, float]) -> tuple[float, float]:
    if not limits[0] < limits[1]:
        raise ValueError(f"{list(limits)} does not rise, expected [low, high]")
    return limits


def _inside(path: str) -> str:
    if not path or ".." in path.replace("\\", "/").split("/"):
        raise ValueError(f"'{path}' may leave the data folder, expected a path below GANZOO_DATA, or an absolute one, without '..'")
    return path


def _distinct(thresholds: list[float]) -> list[float]:
    if len(set(thresholds)) < len(thresholds):
        raise ValueError(f"a threshold stands twice in {thresholds}")
    return thresholds


Positive = Annotated[int, Field(gt=0)]
Range = Annotated[tuple[float, float], AfterValidator(_rising)]
Inside = Annotated[str, AfterValidator(_inside)]
Above0 = Annotated[float, Field(gt=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Strict(BaseModel):
    """Unknown keys are refused, values are never coerced from text, a case never changes once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Latent(Strict):
    dim: Positive = Field(100, description="length of z")
    dist: Literal["normal", "uniform"] = Field("normal", description="z ~ N(0, 1) or U(-1, 1), per entry")


class Model(Strict):
    """The networks. Options beside `name` and `latent` belong to the model and are checked against its own `Options`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    name: str = Field(description="a registered model, or 'package.module:Class'")
    latent: Latent = Field(default_factory=Latent, description="law of the generator's input")

    @property
    def options(self) -> dict:
        return dict(self.model_extra or {})


class Data(Strict):
    name: str = Field(description="a registered data set")
    split: str = Field("train", description="which part is trained on")
    range: Range = Field((-1.0, 1.0), description="pixel values 0..255 are mapped linearly onto this range")
    resize: Positive | None = Field(None, description="side of the square that images are resized to (antialiased bilinear)")
    limit: Positive | None = Field(None, description="use the first so many images of a fixed shuffle")
    path: Inside | None = Field(None, description="for 'folder' and 'zip': where, below GANZOO_DATA or absolute")
    classes: Annotated[list[str], Field(min_length=1)] | None = Field(None, description="only these classes, by name; none given: all")
    stand_in: str | None = Field(None, description="what the document used, where this data set only stands in for it")


class Recipe(Strict):
    name: Literal["alternating"] = Field("alternating", description="the rule of one training step")
    loss: Literal["non-saturating", "minimax", "hinge", "least-squares"] = Field("non-saturating", description="form of the two losses")
    d_steps: Positive = Field(1, description="D updates for each G update")
    d_every: Positive = Field(1, description="D is updated in the first of every so many G steps only")
    d_weight: Above0 = Field(0.5, description="factor on D's (real + fake) loss; 0.5 is the mean of both")
    fresh_z: bool = Field(False, description="draw new z for the G update instead of using D's fakes again")


class Adam(Strict):
    name: Literal["adam"]
    lr: Above0 = Field(description="learning rate")
    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="decay of the first and second moment")
    eps: Above0 = Field(1e-8, description="added to the root of the second moment")


class SGD(Strict):
    name: Literal["sgd"]
    lr: Above0 = Field(description="learning rate")
    momentum: Decay = Field(0.0, description="share of the last step that is kept")


Optimiser = Annotated[Adam | SGD, Field(discriminator="name")]


class Optim(Strict):
    g: Optimiser = Field(description="the generator's")
    d: Optimiser = Field(description="the discriminator's")
    fused: bool = Field(True, description="one kernel for a whole optimiser step")


class Train(Strict):
    batch_size: Positive = Field(description="images a step; the last partial batch of an epoch is dropped")
    epochs: Positive = Field(description="length, in passes of G steps over the data; cases that differ in nothing else share a training")
    max_steps: Positive | None = Field(None, description="stop after so many G steps (for small tiers)")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="arithmetic; bf16: autocast of the networks, fp32 weights and losses")
    channels_last: bool = Field(False, description="memory layout NHWC for convolutions")
    ema: Decay = Field(0.0, description="decay of the averaged generator that is evaluated; 0: off")
    log_every_steps: Positive = Field(50, description="losses are averaged on device over so many steps")


class Eval(Strict):
    protocol: str = Field(description="what a number means: extractor, reals, counts")
    num_fake: Positive | None = Field(None, description="generated images behind each reported metric; none given: as the protocol has it")
    num_real: Positive | None = Field(None, description="so many reals, the first of the protocol's order; none given: all of the split")
    real_split: str | None = Field(None, description="which part the fakes are held against; none given: as the protocol has it")
    num_select: Positive = Field(2_000, description="further generated images, on which the best evaluation is chosen")
    every_epochs: Positive = Field(5, description="evaluate after so many epochs, and at the end")
    every_steps: Positive | None = Field(None, description="evaluate after so many G steps instead, and at the end")
    fake_range: Range = Field((-1.0, 1.0), description="range of G's output that is mapped onto 0..255, clipped")
    truncations: Annotated[list[Above0], AfterValidator(_distinct)] = Field(
        [], description="measure a case's end once more for each threshold, no entry of z being larger"
    )
    probe: bool = Field(False, description="at a case's end, what a linear classifier makes of D's and G's features of labelled images")


class Watch(Strict):
    """When something that happens in a training is called an event. Moves no number but these."""

    every_steps: Positive = Field(250, description="look at the fixed samples after so many G steps, and before the first")
    num_latents: Annotated[int, Field(ge=8)] = Field(64, description="fixed latents whose samples are looked at")
    collapsed_diversity: Share = Field(
        0.25, description="samples-collapsed: their spread in feature space, as a share of the reals', is below this"
    )
    lost_modes: Positive = Field(2, description="modes-lost: an evaluation reaches so many classes fewer than an earlier one did")
    saturated_loss: Above0 = Field(0.01, description="d-saturated: D's loss is below this ...")
    saturated_steps: Positive = Field(250, description="... for so many G steps in a row")
    drop_share: Share = Field(0.5, description="loss-swing: both losses fall below this share of what they were ...")
    swing_variation: Above0 = Field(0.5, description="... and their std over their mean is above this from there on")
    flat_variation: Above0 = Field(0.01, description="losses-flat: std over mean of both losses is below this in the later half")
    learnt_share: Above0 = Field(1.0, description="nothing-learnt: no evaluation's distance is below this share of the untrained G's")


class Case(Strict):
    """One complete resolved case."""

    model: Model
    data: Data
    recipe: Recipe = Field(default_factory=Recipe)
    optim: Optim
    train: Train
    eval: Eval
    watch: Watch = Field(default_factory=Watch)
