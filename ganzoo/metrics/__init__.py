"""Metrics as pure functions of features, extractors, and the protocols that give their numbers a meaning.

The functions take arrays (n, d), numpy's or torch's, of any float dtype, and stand on their own:

    from ganzoo.metrics import fid, kid, precision_recall
    fid(real, fake)

What they cannot use is a MetricError; where a number stands with a caveat, it is a MetricWarning.
"""

from ganzoo.metrics.density_coverage import density_coverage, prdc
from ganzoo.metrics.features import MetricError, MetricWarning
from ganzoo.metrics.fid_infinity import FidInfinity, fid_infinity
from ganzoo.metrics.frechet import Frechet, fid, frechet, frechet_distance, frechet_of_features
from ganzoo.metrics.inception_score import InceptionScore, inception_score
from ganzoo.metrics.kid import KidSubsets, kid, kid_subsets
from ganzoo.metrics.modes import mode_coverage
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.ms_ssim import ms_ssim_diversity
from ganzoo.metrics.precision_recall import precision_recall

__all__ = [
    "FidInfinity",
    "Frechet",
    "InceptionScore",
    "KidSubsets",
    "MetricError",
    "MetricWarning",
    "Moments",
    "density_coverage",
    "fid",
    "fid_infinity",
    "frechet",
    "frechet_distance",
    "frechet_of_features",
    "inception_score",
    "kid",
    "kid_subsets",
    "mode_coverage",
    "ms_ssim_diversity",
    "prdc",
    "precision_recall",
]
