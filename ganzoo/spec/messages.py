"""Validation errors in plain words: path, value, what was expected, the nearest valid name, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, ValidationError

from ganzoo.errors import nearest
from ganzoo.spec.claims import NAME_RULE
from ganzoo.spec.shape import Loc, Shape, shape_of

MAX_SHOWN = 60  # characters of a value
MAX_FAULTS = 20
PHRASES = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid string": "text",
    "a valid list": "a list",
    "greater than or equal to": "a number at least",
    "less than or equal to": "a number at most",
    "greater than": "a number above",
    "less than": "a number below",
}
NUMBER = re.compile(r"([-+]?\d+)(\.\d*)?(?:[eE]([-+]?)(\d{1,3}))?")
BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def shown(value: object) -> str:
    """A value as one would write it in YAML, shortened."""
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(map(shown, value)) + "]"
    else:
        text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def path_text(loc: Loc) -> str:
    """("optim", "d", "betas", 1) → "optim.d.betas[1]"."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def explain(error: ValidationError, model: type[BaseModel] | None, data: object, under: str = "") -> Iterator[tuple[Loc, str]]:
    """Each fault as (path in `data`, sentence), the first twenty.

    Without `model` the expectation is put as pydantic puts it. `under`: what to write before every path.
    """
    shape = None if model is None else shape_of(model)
    for item in error.errors(include_url=False)[:MAX_FAULTS]:
        loc = shape.place(item["loc"], data) if shape else item["loc"]
        yield loc, _sentence(item, loc, shape, data, under)


def _sentence(item: dict, loc: Loc, shape: Shape | None, data: object, under: str) -> str:
    name, kind, value = f"{under}{path_text(loc)}" or "the file", item["type"], item["input"]
    if kind == "value_error":  # one of a whole case names its settings itself
        return f"{name}: {item['ctx']['error']}." if loc or under else f"{item['ctx']['error']}."
    if kind == "extra_forbidden":
        return f"unknown key '{name}'.{nearest(str(loc[-1]), shape.keys(loc[:-1], data)) if shape else ''}"
    if item["loc"][-1:] == ("[key]",):
        where = path_text(loc[:-1])
        return f"{shown(loc[-1])} cannot be a name in {where}, expected {NAME_RULE}."
    wanted = shape.expected(loc, data) if shape else ""
    if kind == "missing":
        return f"{name} is missing{f', expected {wanted}' if wanted else ''}."
    if kind in ("union_tag_invalid", "union_tag_not_found") and shape:
        return _tag_sentence(item, name, shape.tags(loc, data))
    options = shape.options(loc, data) if shape else re.findall(r"'([^']+)'", item.get("ctx", {}).get("expected", ""))
    if isinstance(value, str) and options:
        return f"{name} is {shown(value)}.{nearest(value, options)}"
    wanted = wanted or _in_our_words(item["msg"])
    return f"{name} is {shown(value)}, expected {wanted}{_instead(value, wanted)}."


def _in_our_words(message: str) -> str:
    """pydantic's sentence, where no schema of ours says what was expected."""
    message = message.removeprefix("Input should be ")
    for theirs, ours in PHRASES.items():
        message = message.replace(theirs, ours)
    return message


def _tag_sentence(item: dict, name: str, valid: list[str]) -> str:
    key = item["ctx"]["discriminator"].strip("'")
    if item["type"] == "union_tag_not_found":
        return f"{name}.{key} is missing, expected one of {', '.join(valid)}."
    return f"{name}.{key} is {shown(item['ctx']['tag'])}.{nearest(str(item['ctx']['tag']), valid)}"


def _instead(value: object, wanted: str) -> str:
    """What to write for text that its author meant as a number or as true or false."""
    if not isinstance(value, str):
        return ""
    if "true or false" in wanted and value.lower() in BOOLEANS:
        return f": write {BOOLEANS[value.lower()]}"
    if "number" not in wanted or not (match := NUMBER.fullmatch(value)):
        return ""
    whole, fraction, sign, exponent = match.groups()
    if exponent is None:
        return ": write it without quotes"
    if "whole number" in wanted and sign != "-" and not fraction:
        return f": write {whole}{'0' * int(exponent)}" if int(exponent) <= 12 else ""
    return f": YAML takes {value} for text, write {whole}{fraction or '.0'}e{sign or '+'}{exponent}"
