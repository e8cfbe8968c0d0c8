"""Networks, one family a file, registered by name."""

from ganzoo.models import conv_gen, dcgan, mlp, residual  # noqa: F401  (importing enrols them)
from ganzoo.models.registry import GAN, Options, get, names, register

__all__ = ["GAN", "Options", "get", "names", "register"]
