"""Metrics as pure functions of features, extractors, and the protocols that give their numbers a meaning."""

from ganzoo.metrics.frechet import frechet_distance, frechet_of_features
from ganzoo.metrics.inception_score import inception_score
from ganzoo.metrics.kid import kid
from ganzoo.metrics.modes import mode_coverage
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.precision_recall import precision_recall

__all__ = ["Moments", "frechet_distance", "frechet_of_features", "inception_score", "kid", "mode_coverage", "precision_recall"]
