"""Which settings of a case move nothing, so that nobody is shown them. Torch-free."""

from __future__ import annotations

from ganzoo.spec.schema import NOT_OF_POINTS, OF_ANY_SIDES, OF_RULE, OF_SIDES, POINTS, TWO_SIDED, Case, Mine

NOT_OF_SIDES = {  # nor labels, nor z, and one update of each network a step
    "model.latent.dim", "model.latent.dist", "data.classes", "recipe.d_steps", "recipe.d_every", "recipe.fresh_z", "recipe.shards",
    "eval.truncations", "eval.probe", "recipe.ortho_g", "recipe.ortho_d", "recipe.mine.weight", "train.ranks",
}  # fmt: skip


def idle(case: Case) -> set[str]:
    """Dotted paths of settings that move nothing: only another rule or kind of data set has them, or another setting decides them."""
    found = {
        f"recipe.{setting}" for rule, settings in OF_RULE.items() if rule != case.recipe.name for setting in settings if setting != "mine"
    }
    if case.recipe.name != "alternating":
        found.add("recipe.mine.weight")
    for kind, rooms in OF_SIDES.items():
        if kind != case.data.name:
            found |= {f"{room}.{setting}" for room, settings in rooms.items() for setting in settings}
    if case.data.name not in TWO_SIDED:
        found |= {f"data.{setting}" for setting in OF_ANY_SIDES}
    else:
        found |= NOT_OF_SIDES
    if case.data.name in POINTS:
        found |= NOT_OF_POINTS
    if not case.recipe.mine.weight:
        found |= {f"recipe.mine.{setting}" for setting in Mine.model_fields if setting != "weight"}
    if case.train.ranks == 1:
        found.add("train.sync_batchnorm")
    if case.recipe.name != "self":
        found |= {"watch.all_real_output", "watch.all_real_steps"}
    else:  # one optimiser, shown as optim.g
        found |= {f"optim.d.{setting}" for setting in type(case.optim.d).model_fields}
        found |= {"recipe.shares"} if case.recipe.form == "normalised" else set()
    return found
