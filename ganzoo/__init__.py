"""ganzoo: re-run what documents about GANs report, and judge it."""

__version__ = "0.1.0"
