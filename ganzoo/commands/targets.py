"""What a user names on the command line, SPEC, SPEC/CASE or a YAML file, as loaded specs. Torch-free unless names are checked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ganzoo import paths
from ganzoo.errors import SpecError
from ganzoo.spec import Spec, find_spec, load_spec

FILE = re.compile(r"(?P<spec>.+\.ya?ml)(?:/(?P<case>[^/]+))?")


@dataclass(frozen=True)
class Target:
    """A spec and the cases asked for; None: all."""

    spec: Spec
    cases: list[str] | None


def split(target: str) -> tuple[str, str | None]:
    """'liu' → ('liu', None); 'liu/original' → ('liu', 'original'); 'a/b.yaml/c' → ('a/b.yaml', 'c')."""
    if found := FILE.fullmatch(target):
        return found["spec"], found["case"]
    spec, slash, case = target.partition("/")
    if not spec or (slash and not case) or "/" in case:
        raise SpecError(f"'{target}' names no spec and no case. Expected SPEC, SPEC/CASE or a YAML file, as in 'liu/original'.")
    return spec, case or None


def load(name: str, *, check_names: bool = False) -> Spec:
    """A spec by name or file. `check_names`: also that its models, options, data sets and protocols exist (imports torch)."""
    path = find_spec(name, paths.specs_dir())
    if not check_names:
        return load_spec(path)
    from ganzoo.bench.catalogue import load_checked

    return load_checked(path)


def chosen(targets: list[str]) -> list[Target]:
    """The targets, names checked, cases of one spec gathered, in the order given."""
    wanted: dict[str, list[str] | None] = {}
    for target in targets:
        spec, case = split(target)
        if case is None:
            wanted[spec] = None
        elif wanted.setdefault(spec, []) is not None:
            wanted[spec].append(case)
    found = [Target(load(spec, check_names=True), cases) for spec, cases in wanted.items()]
    by_name: dict[str, Target] = {}
    for target in found:
        if (other := by_name.setdefault(target.spec.name, target)) is not target:
            files = f"{other.spec.path} and {target.spec.path}"
            raise SpecError(f"{files} are both called '{target.spec.name}', and so would be their records. Rename one.")
        for case in target.cases or []:
            target.spec.resolve(case)
    return found
