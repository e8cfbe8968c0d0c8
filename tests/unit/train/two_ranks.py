"""What two processes of one training find out; test_train_distributed.py starts it through torchrun and does the same alone.

torchrun … two_ranks.py FOLDER: reads cases.json and images.safetensors there, leaves rank-0.safetensors and rank-1.safetensors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo.recipes import Batch
from ganzoo.recipes.rule import parted
from ganzoo.spec.schema import Case
from ganzoo.train.distributed import ALONE, Agreement, Ranks, join
from ganzoo.train.loop import train
from ganzoo.train.state import State

CPU = torch.device("cpu")
STEPS = 5


def labels_of(case: Case, images: Tensor) -> Tensor:
    return torch.arange(len(images)) % max(1, case.model.num_classes)


def by_hand(case: Case, images: Tensor, ranks: Ranks = ALONE) -> dict[str, Tensor]:
    """Three steps in double precision, z the same for a whole batch however many share it: weights, buffers and the last gradients."""
    state = State.fresh(case, images, 0, STEPS, CPU, labels_of(case, images), ranks)
    state.g.double(), state.d.double()
    generator, classes = torch.Generator().manual_seed(5), case.model.num_classes

    def noise() -> Batch:
        whole = torch.randn(case.train.batch_size, case.model.latent.dim, dtype=torch.float64, generator=generator)
        z = whole.chunk(ranks.size)[ranks.rank]
        if not classes:
            return z
        return z, torch.randint(classes, (len(whole),), generator=generator).chunk(ranks.size)[ranks.rank]

    def reals() -> Batch:
        x, told = parted(state.batches.next())
        return (x.double(), *told) if told else x.double()

    step = ranks.in_step(state.rule.step)
    for _ in range(3):
        step(reals, noise, case.recipe.d_steps)
    grads = {f"{name}.{key}.grad": p.grad for name, net in (("g", state.g), ("d", state.d)) for key, p in net.named_parameters()}
    return state.weights() | grads


def trained(case: Case, images: Tensor, ranks: Ranks) -> dict[str, Tensor]:
    """A training by its own streams: z of the first step, weights at the end, losses before and after they are averaged."""
    state, latents = State.fresh(case, images, 0, STEPS, CPU, labels_of(case, images), ranks), []
    state.g.register_forward_pre_hook(lambda module, arguments: latents.append(arguments[0].clone()))
    train(case, state, STEPS)
    own = state.log.losses.clone()
    state.average_losses()
    return state.weights() | {"z": latents[0], "own losses": own, "losses": state.log.losses}


def agreements(ranks: Ranks) -> dict[str, Tensor]:
    """Rank 1 wants to stop from step 3 on: in which steps each learns of it."""
    agreed = Agreement(ranks)
    return {"stops": torch.tensor([agreed.on(ranks.rank == 1 and step >= 3, False)[0] for step in range(205)])}


def differing(ranks: Ranks) -> dict[str, Tensor]:
    ranks.check_equal("ab" * 32, "weights")
    try:
        ranks.check_equal(f"{ranks.rank:02x}" * 32, "weights")
    except RuntimeError as error:
        return {"told": torch.tensor(list(str(error).encode()), dtype=torch.uint8)}
    return {}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    ranks, _ = join("cpu")
    images, found = load_file(folder / "images.safetensors"), {}
    for name, text in json.loads((folder / "cases.json").read_text()).items():
        case = Case.model_validate_json(text)
        for does in (by_hand, trained):
            found |= {f"{name}/{does.__name__}/{key}": value for key, value in does(case, images[name], ranks).items()}
    found |= agreements(ranks) | differing(ranks)
    save_file({key: value.contiguous().clone() for key, value in found.items()}, folder / f"rank-{ranks.rank}.safetensors")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
