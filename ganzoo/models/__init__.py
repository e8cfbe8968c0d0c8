"""Networks, one family a file, registered by name."""

from ganzoo.models import biggan, conv_gen, cyclegan, dcgan, mlp, pix2pix, points, residual, sagan, selfgan  # noqa: F401 (importing enrols)
from ganzoo.models.registry import GAN, Options, get, names, register

__all__ = ["GAN", "Options", "get", "names", "register"]
