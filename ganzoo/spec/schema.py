"""The resolved case: every setting that decides what a run computes. Torch-free.

A field's description says what the setting does; where a spec does not give it, the default stands and is shown with
the source "assumed: suite default".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


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
NotNegative = Annotated[float, Field(ge=0)]
NotNegativeInt = Annotated[int, Field(ge=0)]
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

    @property
    def num_classes(self) -> int:
        """Classes that the networks are told; 0 where they are told none."""
        return self.options.get("num_classes") or 0


class Data(Strict):
    name: str = Field(description="a registered data set")
    split: str = Field("train", description="which part is trained on")
    range: Range = Field((-1.0, 1.0), description="pixel values 0..255 are mapped linearly onto this range")
    resize: Positive | None = Field(None, description="side of the square that images are resized to (antialiased bilinear)")
    limit: Positive | None = Field(None, description="use the first so many images of a fixed shuffle")
    path: Inside | None = Field(None, description="for 'folder', 'zip', 'pairs' and 'domains': where, below GANZOO_DATA or absolute")
    classes: Annotated[list[str], Field(min_length=1)] | None = Field(None, description="only these classes, by name; none given: all")
    source: Literal["left", "right"] = Field("left", description="pairs: which half of a file is the input; the other is the target")
    domains: Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        None, description="domains: the folders of both sides; a translation of the first into the second is measured"
    )
    holdout: NotNegativeInt = Field(0, description="pairs, domains: so many (of each side) are kept from training, and measured on")
    enlarge: Annotated[float, Field(ge=1)] = Field(
        1.0, description="pairs, domains: crops of side `resize` are taken from images this much larger"
    )
    flip: bool = Field(False, description="pairs, domains: half of the images are mirrored, at random, while training")
    stand_in: str | None = Field(None, description="what the document used, where this data set only stands in for it")


TWO_SIDED = ("pairs", "domains")  # data sets for translation
POINTS = ("ring", "grid")  # data sets of points in the plane, which have no pixels
NOT_OF_POINTS = {"data.range", "data.resize", "eval.fake_range", "eval.probe"}
# Settings that only one kind of data set has.
OF_SIDES = {
    "pairs": {"data": ("source",), "recipe": ("lambda_pixel",)},
    "domains": {"data": ("domains",), "recipe": ("lambda_cycle", "lambda_identity", "buffer", "one_buffer")},
}
OF_ANY_SIDES = ("holdout", "enlarge", "flip")  # of `data`, and only where it has two sides
# Settings of a recipe that only one rule has.
OF_RULE = {
    "alternating": ("order", "d_steps", "d_every", "d_weight", "fresh_z", "ortho_g", "ortho_d", "mine"),
    "self": ("balance", "form", "shares", "shards"),
}


def _brief(value: object) -> str:
    """A setting for messages; of a block, what is not at its default."""
    return repr(value.model_dump(exclude_defaults=True)) if isinstance(value, BaseModel) else repr(value)


class Mine(Strict):
    """A bound on the mutual information of G's input and output, in G's loss (Belghazi et al. 2018, §5.1; its negative entropy term)."""

    weight: NotNegative = Field(0.0, description="weight of the mutual information of z and G(z) that G maximises beside its loss; 0: off")
    hidden: Annotated[list[Positive], Field(min_length=1)] = Field(
        [128, 128], description="widths of the statistics network's hidden layers"
    )
    code: Positive | None = Field(None, description="the first so many entries of z are told to the statistics network; none given: all")
    lr: Above0 = Field(2e-4, description="learning rate of the statistics network's Adam; falls where the others do")
    betas: tuple[Decay, Decay] = Field((0.5, 0.999), description="decay of its first and second moment")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.01, description="share of the present batch in the moving average that corrects the gradient's bias; 1: no correction"
    )
    clip: bool = Field(True, description="G's gradient of it is scaled down to be no longer than that of G's own loss")


class Recipe(Strict):
    name: Literal["alternating", "self"] = Field(
        "alternating",
        description="the rule of one training step: G and D in turn, or both at once by one loss with dynamic weights (SelfGAN)",
    )
    loss: Literal["non-saturating", "minimax", "hinge", "least-squares", "mse"] = Field(
        "non-saturating", description="form of the two losses; mse: least squares without their halves"
    )
    order: Literal["d-first", "g-first"] = Field("d-first", description="alternating: whose update comes first in a step")
    d_steps: Positive = Field(1, description="alternating: D updates for each G update")
    d_every: Positive = Field(1, description="alternating: D is updated in the first of every so many G steps only")
    d_weight: Above0 = Field(0.5, description="alternating: factor on D's (real + fake) loss; 0.5 is the mean of both")
    fresh_z: bool = Field(False, description="alternating: draw new z for the second update instead of using the first one's fakes again")
    ortho_g: NotNegative = Field(
        0.0, description="alternating: weight of |W Wt * (1 - I)|^2 over G's weights, rows the outputs (orthogonal regularisation); 0: off"
    )
    ortho_d: NotNegative = Field(0.0, description="alternating: the same for D")
    mine: Mine = Field(Mine(), description="alternating: mutual information in G's loss")
    balance: Literal["losses", "outputs"] = Field(
        "losses", description="self: the dynamic weights are means of the losses, or how far D's mean outputs are from their targets"
    )
    form: Literal["shares", "normalised"] = Field(
        "shares", description="self: (real + a v_g gen + b v_f fake) / 2, or all three losses weighted, divided by the sum of the weights"
    )
    shares: tuple[NotNegative, NotNegative] = Field((0.1, 0.9), description="self, form shares: [a, b], of G's loss and of the fakes'")
    shards: Positive = Field(1, description="self: parts of a batch, each with weights and batch statistics of its own, gradients added")

    lambda_pixel: NotNegative = Field(100.0, description="pairs: weight of E|target - G(source)| in G's loss")
    lambda_cycle: NotNegative = Field(10.0, description="domains: weight of the way there and back")
    lambda_identity: NotNegative = Field(5.0, description="domains: weight of what a generator does to images of the side that it makes")
    buffer: Positive = Field(50, description="domains: fakes in the history that D judges")
    one_buffer: bool = Field(False, description="domains: one history for the fakes of both sides")

    @model_validator(mode="after")
    def _settings_of_this_rule(self) -> Recipe:
        for rule, settings in OF_RULE.items():
            for setting in settings:
                value, default = getattr(self, setting), type(self).model_fields[setting].default
                if rule != self.name and value != default:
                    told = f"'{setting}' is {_brief(value)}, but only the rule '{rule}' has it"
                    raise ValueError(f"{told}: expected its default, {_brief(default)}")
        if self.name == "self" and self.loss == "minimax":
            raise ValueError("'loss' is 'minimax', whose G loss is negative and can be no weight: expected another one for the rule 'self'")
        if self.name == "self" and self.loss == "hinge":
            raise ValueError("'loss' is 'hinge', which has no target for D's output: expected another one for the rule 'self'")
        return self


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
    lr_decay_from: Positive | None = Field(None, description="from this epoch on the learning rates fall linearly, to reach 0 at `epochs`")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="arithmetic; bf16: autocast of the networks, fp32 weights and losses")
    channels_last: bool = Field(False, description="memory layout NHWC for convolutions")
    activation_checkpointing: bool = Field(
        False, description="residual and attention blocks keep their inputs alone and are computed again on the way back: less memory"
    )
    ranks: Positive = Field(1, description="processes that share a batch in equal parts, one a GPU; batch norm sees its own part")
    sync_batchnorm: bool = Field(False, description="with several ranks: batch norm has the statistics of the whole batch")
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
    all_real_output: Share = Field(0.5, description="all-real (rule self): D's mean output on reals and fakes alike is above this ...")
    all_real_steps: Positive = Field(250, description="... for so many G steps in a row")
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

    @model_validator(mode="after")
    def _fits_its_rule(self) -> Case:
        if self.recipe.name == "self" and self.optim.g != self.optim.d:
            raise ValueError("the rule 'self' has one optimiser for both networks: expected optim.g and optim.d to be equal")
        if self.train.batch_size % self.recipe.shards:
            raise ValueError(
                f"train.batch_size {self.train.batch_size} does not split into recipe.shards {self.recipe.shards} equal parts: "
                "expected a multiple. Change either"
            )
        if self.train.batch_size % self.train.ranks:
            raise ValueError(
                f"train.batch_size {self.train.batch_size} does not split into train.ranks {self.train.ranks} equal parts: "
                "expected a multiple. Change either"
            )
        if self.train.ranks > 1 and (self.recipe.name != "alternating" or self.data.name in TWO_SIDED or self.recipe.mine.weight):
            raise ValueError(
                f"train.ranks is {self.train.ranks}, but only the rule 'alternating', without recipe.mine and on one-sided data, is shared "
                "among processes: expected 1"
            )
        if self.train.sync_batchnorm and self.train.ranks == 1:
            raise ValueError("train.sync_batchnorm is true, but train.ranks is 1: expected several ranks, or false")
        code, latent = self.recipe.mine.code, self.model.latent.dim
        if code is not None and code > latent:
            raise ValueError(f"recipe.mine.code is {code}, expected at most model.latent.dim, {latent}. Lower it, or leave it out")
        if self.recipe.mine.weight and self.train.batch_size == 1:
            raise ValueError("train.batch_size is 1, but recipe.mine pairs each fake with another one's z: expected at least 2")
        if self.model.num_classes and self.recipe.name != "alternating":
            raise ValueError(
                f"model.num_classes is {self.model.num_classes}, but the rule '{self.recipe.name}' tells no classes: "
                "expected 0, or the rule 'alternating'"
            )
        if self.model.num_classes and self.eval.probe:
            raise ValueError("eval.probe is true, but a network that is told classes has no features without one: expected false")
        decay, epochs = self.train.lr_decay_from, self.train.epochs
        if decay is not None and decay >= epochs:
            raise ValueError(f"train.lr_decay_from is {decay}, expected an epoch before the last, {epochs}. Lower it, or leave it out")
        return self

    @model_validator(mode="after")
    def _fits_its_sides(self) -> Case:
        """What only translation has, and what it has not."""
        for kind, rooms in OF_SIDES.items():
            if self.data.name != kind:
                for room, settings in rooms.items():
                    self._at_default(room, settings, f"only data set '{kind}' has it")
        if self.data.name not in TWO_SIDED:
            self._at_default("data", OF_ANY_SIDES, "only data sets 'pairs' and 'domains' have it")
            return self
        self._at_default(
            "recipe",
            ("d_steps", "d_every", "fresh_z", "shards", "ortho_g", "ortho_d", "mine"),
            "translation has one update of each network on a whole batch",
        )
        self._at_default("data", ("classes",), "a data set of two sides has none")
        self._at_default("eval", ("truncations", "probe"), "translation draws no z and has no labels")
        if self.data.name == "domains" and (self.data.domains is None or self.data.domains[0] == self.data.domains[1]):
            raise ValueError(f"data.domains is {self.data.domains}, expected the names of two different folders, the input first: [A, B]")
        if self.data.name == "domains" and self.recipe.name == "alternating" and self.recipe.order != "g-first":
            raise ValueError("recipe.order is 'd-first', but unpaired translation updates G first: expected 'g-first'")
        if self.data.holdout <= self.eval.num_select:
            raise ValueError(
                f"data.holdout is {self.data.holdout}, of which eval.num_select {self.eval.num_select} choose the best evaluation: "
                "expected more, to be measured on. Raise data.holdout, or lower eval.num_select"
            )
        return self

    @model_validator(mode="after")
    def _fits_points(self) -> Case:
        """What only images have."""
        for path in sorted(NOT_OF_POINTS) if self.data.name in POINTS else ():
            room, setting = path.split(".")
            self._at_default(room, (setting,), f"the points of '{self.data.name}' are no pixels")
        return self

    def _at_default(self, room: str, settings: tuple[str, ...], why: str) -> None:
        block = getattr(self, room)
        for setting in settings:
            value, default = getattr(block, setting), type(block).model_fields[setting].default
            if value != default:
                raise ValueError(f"{room}.{setting} is {_brief(value)}, but {why}: expected its default, {_brief(default)}")
