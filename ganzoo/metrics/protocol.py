"""A protocol: everything that decides what a metric's number means, named and hashed. Numbers of two hashes are never compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

CASE = "the case's own"  # as real_data: the data set that is trained on
LAST = "the run's last, and the one best on other samples"
EACH_BEST = "each-best"  # each metric's best over all evaluations, chosen on the samples that are reported
FIRST, SHUFFLED = "the first", "a fixed shuffle's first"


@dataclass(frozen=True)
class Protocol:
    """One way of measuring. Fields after `kid` came later: their defaults are what was done before."""

    name: str
    extractor: str
    weights: str  # sha256 of the extractor's weights
    real_data: str  # data set the fakes are held against
    real_split: str
    num_fake: int = 10_000
    num_neighbours: int = 5_000  # samples a side for precision, recall, density and coverage
    neighbours: int = 3
    is_splits: int = 10
    mode_share: float = 0.01  # least share of the fakes for a class to count as reached; 0: one fake is enough
    quantisation: str = "uint8: the generator's output range (eval.fake_range) clipped, scaled to 0..255, rounded to nearest"
    latent: str = "the law trained with, no truncation"
    batch_norm: str = "running statistics (eval mode)"
    ema: bool = False  # whether the averaged generator is measured
    statistics: str = "float64"
    kid: str = "unbiased, all pairs, cubic kernel"

    real_digest: str | None = None  # content of the reals, where the name does not fix it
    real_count: int | None = None  # so many reals; None: all of the split
    real_batch: int | None = None  # reals in whole batches of so many, the rest dropped
    real_order: str = "as stored"  # or "shuffled": which ones come first matters where only some are used
    num_kid: int | None = None  # samples a side for the kernel distance; None: all
    subset: str = FIRST  # which of the reals are compared one by one, where not all are
    coverage_neighbours: int = 5  # of density and coverage
    denormalised: bool = True  # False: G's output is taken for 0..1, so that what is negative becomes black
    jpeg: int | None = None  # fakes pass through JPEG files of this quality
    real_range: tuple[float, float] | None = None  # 0..255 of the reals is mapped on it for the features; None: as the extractor does it
    fake_range: tuple[float, float] | None = None  # the same for the fakes
    score_range: tuple[float, float] | None = None  # the same for the fakes' logits
    channel_shift: bool = False  # for the features: torchvision's `transform_input` on top, whatever the range is
    checkpoint: str = LAST  # which evaluations are reported
    fake_batch: int | None = None  # G makes so many at once, with the statistics of that batch; None: running statistics
    preprocessing: str | None = None  # how the extractor takes pixels in; None: x / 255
    points: bool = False  # G's outputs are points, measured as they are: they have no range, and nothing stores them

    @property
    def hash(self) -> str:
        """sha256 of the fields that are not at their default.

        So a field added later, whose default means what was done before, orphans no number.
        """
        told = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def least_images(self) -> int:
        """So many, on either side, are needed at least."""
        return max(self.is_splits, self.neighbours + 1, self.coverage_neighbours + 1)

    def used_reals(self, stored: int) -> int:
        """How many of `stored` reals are used."""
        count = stored if self.real_count is None else min(stored, self.real_count)
        return count if self.real_batch is None else count // self.real_batch * self.real_batch

    @property
    def labels(self) -> dict[str, str]:
        """What a reader should call each metric under this protocol."""
        from ganzoo.metrics.labels import labels_of

        return labels_of(self)

    def as_record(self) -> dict:
        return {"name": self.name, "hash": self.hash, "fields": asdict(self), "labels": self.labels}
