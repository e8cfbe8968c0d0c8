"""Count the memory that a training step of `biggan` takes at ch 64, 128×128, batch 64, 1,000 classes, fp32; keep it beside this file.

    python benchmarks/records/biggan_memory.py         # biggan-memory.json: a minute, no GPU, no memory behind the tensors

Counted, not measured: the networks run on fake tensors, which have shapes and no content. Counted are weights, gradients, Adam's two
moments, buffers and what autograd keeps for the way back in each update, every storage once. Not counted are what a kernel needs while it
runs, the gradients of activations on the way back, the allocator's waste and CUDA's own few hundred MB.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks

from ganzoo import models
from ganzoo.layers import Recomputable, recompute_blocks
from ganzoo.recipes import Alternating

KEPT = Path(__file__).with_name("biggan-memory.json")
CARD = 24e9  # bytes


class Optimiser:
    """Adam's place in a rule: its moments are counted, not made."""

    def zero_grad(self, set_to_none: bool = True) -> None: ...

    def step(self) -> None: ...


class Kept:
    """Storages that autograd keeps, each once, but for those of weights and buffers; and the most that one block adds."""

    def __init__(self, *nets: nn.Module):
        own = [tensor for net in nets for tensor in (*net.parameters(), *net.buffers())]
        self.apart = {tensor.untyped_storage()._cdata for tensor in own}
        self.held: dict[int, Tensor] = {}  # the tensors, too, so that no storage is another's successor in the same place
        self.bytes = self.most_in_a_block = 0
        self.blocks = [layer for net in nets for layer in net.modules() if isinstance(layer, Recomputable)]

    def pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in self.apart and storage._cdata not in self.held:
            self.held[storage._cdata] = tensor
            self.bytes += storage.nbytes()
        return tensor

    def during(self, work: Callable[[], object]) -> Kept:
        before: list[int] = []

        def entered(*_: object) -> None:
            before.append(self.bytes)

        def left(*_: object) -> None:
            self.most_in_a_block = max(self.most_in_a_block, self.bytes - before.pop())

        hooks = [
            handle for block in self.blocks for handle in (block.register_forward_pre_hook(entered), block.register_forward_hook(left))
        ]
        with saved_tensors_hooks(self.pack, lambda tensor: tensor):
            work()
        for handle in hooks:
            handle.remove()
        return self


def count(ch: int = 64, side: int = 128, batch: int = 64, classes: int = 1000, *, again: bool, latent: int = 120, **options) -> dict:
    """Bytes by kind; `again`: with activation checkpointing. Both updates as `Alternating` does them with new z for each."""
    model = models.get("biggan")
    with FakeTensorMode():
        g, d = model.build(model.Options(ch=ch, num_classes=classes, **options), latent, (3, side, side))
        rule = Alternating(g, d, Optimiser(), Optimiser(), loss="hinge", d_weight=1.0, fresh_z=True, autocast=nullcontext)
        z, labels, x = torch.randn(batch, latent), torch.zeros(batch, dtype=torch.long), torch.randn(batch, 3, side, side)
        with torch.no_grad():
            fakes = rule.fakes(z, (labels,))
        updates = {
            "d_update": lambda: rule.d_update(x, fakes, (labels,), (labels,)),
            "g_update": lambda: rule.g_update(rule.fakes(z, (labels,)), (labels,)),
        }
        plain = {name: Kept(g, d).during(work) for name, work in updates.items()}
        found = plain
        if again:
            for net in (g, d):
                recompute_blocks(net)
            found = {name: Kept(g, d).during(work) for name, work in updates.items()}
        weights = sum(p.numel() * 4 for net in (g, d) for p in net.parameters())
        buffers = sum(b.numel() * b.element_size() for net in (g, d) for b in net.buffers())
    told = {"weights": weights, "gradients": weights, "adam": 2 * weights, "buffers": buffers}
    for name, kept in found.items():  # a block that is computed again has its inner activations once more, for its own way back
        told[name] = kept.bytes + (plain[name].most_in_a_block if again else 0)
    told["peak"] = sum(told[name] for name in ("weights", "gradients", "adam", "buffers")) + max(told[name] for name in updates)
    return told


def record() -> dict:
    told = {"kept": count(again=False), "activation_checkpointing": count(again=True)}
    told |= {"layout_code": count(again=False, layout="code"), "layout_code_checkpointing": count(again=True, layout="code")}
    return {
        "command": "python benchmarks/records/biggan_memory.py",
        "what": "bytes of one training step of biggan, counted on fake tensors; not measured on a GPU",
        "setting": {"ch": 64, "side": 128, "batch": 64, "classes": 1000, "latent": 120, "precision": "fp32", "optimiser": "adam"},
        "counted": "weights, gradients, Adam's moments, buffers, and what autograd keeps in each update, every storage once",
        "not_counted": "workspace of kernels, gradients of activations on the way back, the allocator's waste, CUDA itself",
        "torch": torch.__version__.partition("+")[0],
        "bound": int(CARD),
        "bytes": told,
    }


def main() -> int:
    found = record()
    if any(found["bytes"][name]["peak"] >= CARD for name in ("kept", "activation_checkpointing")):
        print(f"more than {CARD / 1e9:g} GB: {found['bytes']}", file=sys.stderr)
        return 1
    KEPT.write_text(json.dumps(found, indent=1) + "\n")
    print(KEPT.read_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
