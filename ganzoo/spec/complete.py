"""Settings → one complete case: defaults filled in, every value checked, names looked up in the catalogue."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Protocol

from pydantic import ValidationError

from ganzoo.errors import UserError, nearest
from ganzoo.spec.messages import explain
from ganzoo.spec.schema import Case, Model
from ganzoo.spec.shape import Loc


class Catalogue(Protocol):
    """What can be run here. Passed in, so that reading a spec needs no torch."""

    def check_model(self, name: str, options: dict) -> dict:
        """All options of the model, defaults filled in. Raises UserError, ValueError (pydantic's too) or LookupError."""
        ...

    def dataset_names(self) -> Iterable[str]: ...

    def check_protocol(self, name: str) -> None:
        """Raises UserError for a protocol that is not known."""
        ...


class Faults(Exception):
    """What is wrong with a case: (dotted path, sentence) each."""

    def __init__(self, found: list[tuple[str, str]]):
        super().__init__("; ".join(sentence for _, sentence in found))
        self.found = found


def complete(settings: dict, catalogue: Catalogue | None) -> Case:
    """Validate and fill in. Raises Faults."""
    try:
        case = Case.model_validate_json(json.dumps(settings))
    except ValidationError as error:
        raise Faults([(_dotted(loc), sentence) for loc, sentence in explain(error, Case, settings)]) from None
    if catalogue is None:
        return case
    if found := list(_unknown_names(case, catalogue)):
        raise Faults(found)
    options = _checked_options(case.model, catalogue)
    model = {**case.model.model_dump(mode="json", exclude=set(case.model.options)), **options}
    return Case.model_validate_json(json.dumps({**case.model_dump(mode="json"), "model": model}))


def _unknown_names(case: Case, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    name, known = case.data.name, list(catalogue.dataset_names())
    if name not in known:
        yield "data.name", f"data.name is '{name}', which is not known.{nearest(name, known)}"
    try:
        catalogue.check_protocol(case.eval.protocol)
    except UserError as error:
        yield "eval.protocol", f"eval.protocol: {error}"


def _checked_options(model: Model, catalogue: Catalogue) -> dict:
    try:
        return catalogue.check_model(model.name, model.options)
    except ValidationError as error:
        raise Faults(list(_option_faults(error, model, catalogue))) from None
    except UserError as error:
        raise Faults([("model.name", f"model.name: {error}")]) from None
    except (ValueError, LookupError, ImportError, TypeError) as error:
        text = error.args[0] if error.args else type(error).__name__
        raise Faults([("model.name", f"model.name is '{model.name}': {text}")]) from None


def _option_faults(error: ValidationError, model: Model, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    try:
        known = list(catalogue.check_model(model.name, {}))
    except (UserError, ValueError, LookupError, ImportError, TypeError):  # has options without a default
        known = []
    for loc, sentence in explain(error, None, model.options, under="model."):
        if loc and loc[0] not in known and known:
            yield f"model.{loc[0]}", f"model '{model.name}' has no option '{loc[0]}'.{nearest(str(loc[0]), known)}"
        else:
            yield _dotted(("model", *loc)), sentence


def _dotted(loc: Loc) -> str:
    """The setting that a path leads to; a position inside a list is not one of its own."""
    return ".".join(itertools.takewhile(lambda part: isinstance(part, str), loc))
