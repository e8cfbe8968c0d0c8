"""The update rules: what one training step does. A step is a function of tensors with static shapes; nothing in it reads a value back."""

from ganzoo.recipes.alternating import Alternating
from ganzoo.recipes.informed import INFORMATION_COLUMNS as INFORMATION
from ganzoo.recipes.informed import Informed
from ganzoo.recipes.paired import PairedAlternating, PairedSelf
from ganzoo.recipes.rule import Batch, Rule
from ganzoo.recipes.self_trained import SELF_COLUMNS as BALANCE
from ganzoo.recipes.self_trained import Balance, SelfTrained
from ganzoo.recipes.statistics_network import StatisticsNetwork
from ganzoo.recipes.unpaired import UnpairedAlternating, UnpairedSelf

TERMS = ("pixel", "cycle", "identity")  # of a translation's loss, beside the adversarial one

__all__ = ["BALANCE", "INFORMATION", "TERMS", "Alternating", "Balance", "Batch", "Informed", "PairedAlternating", "PairedSelf", "Rule"]
__all__ += ["SelfTrained", "StatisticsNetwork", "UnpairedAlternating", "UnpairedSelf"]
