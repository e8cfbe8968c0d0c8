"""Networks, one family a file, registered by name."""

from ganzoo.models import conv_gen, cyclegan, dcgan, mlp, pix2pix, residual, selfgan  # noqa: F401  (importing enrols them)
from ganzoo.models.registry import GAN, Options, get, names, register

__all__ = ["GAN", "Options", "get", "names", "register"]
