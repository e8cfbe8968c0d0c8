"""Pieces that two or more model families use, one idea a file."""

from ganzoo.layers.activations import activation
from ganzoo.layers.attention import NonLocalBlock
from ganzoo.layers.conditional import (
    ClassBatchNorm,
    ConditionalBatchNorm,
    ConditionalNorm,
    ProjectionHead,
    SharedEmbedding,
    chunk_size,
    chunks,
)
from ganzoo.layers.dcgan import (
    DCGAN_SIDES,
    Convolutions,
    DCGANDiscriminator,
    DCGANGenerator,
    dcgan_side,
    dcgan_width_g,
    dcgan_widths,
)
from ganzoo.layers.dense import DenseDiscriminator, dense_block
from ganzoo.layers.initialise import Init, initialise, initialise_convolutions, initialise_dcgan
from ganzoo.layers.recomputed import Recomputable, recompute_blocks
from ganzoo.layers.resampling import ConvThenAverage, NearestThenConv, spread, strided, transposed
from ganzoo.layers.residual import DownBlock, UpBlock
from ganzoo.layers.spectral import CONVOLUTIONS, SpectralNorm, normalise_spectrally

__all__ = [
    "CONVOLUTIONS",
    "DCGAN_SIDES",
    "ClassBatchNorm",
    "ConditionalBatchNorm",
    "ConditionalNorm",
    "ConvThenAverage",
    "Convolutions",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DenseDiscriminator",
    "DownBlock",
    "Init",
    "NearestThenConv",
    "NonLocalBlock",
    "ProjectionHead",
    "Recomputable",
    "SharedEmbedding",
    "SpectralNorm",
    "UpBlock",
    "activation",
    "chunk_size",
    "chunks",
    "dcgan_side",
    "dcgan_width_g",
    "dcgan_widths",
    "dense_block",
    "initialise",
    "initialise_convolutions",
    "initialise_dcgan",
    "normalise_spectrally",
    "recompute_blocks",
    "spread",
    "strided",
    "transposed",
]
