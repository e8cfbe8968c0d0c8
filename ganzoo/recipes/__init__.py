"""The update rules: what one training step does. A step is a function of tensors with static shapes; nothing in it reads a value back."""

from ganzoo.recipes.alternating import Alternating
from ganzoo.recipes.paired import PairedAlternating, PairedSelf
from ganzoo.recipes.rule import Rule
from ganzoo.recipes.self_trained import SELF_COLUMNS as BALANCE
from ganzoo.recipes.self_trained import Balance, SelfTrained
from ganzoo.recipes.unpaired import UnpairedAlternating, UnpairedSelf

TERMS = ("pixel", "cycle", "identity")  # of a translation's loss, beside the adversarial one

__all__ = ["BALANCE", "TERMS", "Alternating", "Balance", "PairedAlternating", "PairedSelf", "Rule", "SelfTrained"]
__all__ += ["UnpairedAlternating", "UnpairedSelf"]
