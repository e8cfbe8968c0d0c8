"""YAML with line numbers: plain data, and for every entry the line it stands on. Strict where YAML 1.1 surprises.

Numbers, `true`, `false` and `null` are recognised; everything else is text (`yes`, `on`, `12:30`, dates and `2e-4` too, as in PyYAML's own
reading of floats). Refused: duplicate keys, keys that are not text, anchors, aliases and tags (so a small file cannot expand into a large
one), deep nesting, several documents, more than 1 MB, anything that is not UTF-8 text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from ganzoo.errors import SpecError

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_KEY = 100  # characters
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Place = tuple[str | int, ...]  # keys and list positions from the top of the file
_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it


class _Loader(_Base):
    """PyYAML's scanner and parser with our own, smaller set of implicit types."""

    yaml_implicit_resolvers: dict = {}


# type: (how it is written, what it can start with)
PLAIN_TYPES = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    "float": (
        r"[-+]?(?:[0-9][0-9_]*\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
for _type, (_pattern, _first) in PLAIN_TYPES.items():
    _Loader.add_implicit_resolver(_type, re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class Source:
    """A YAML file as plain data. `lines`: path of keys and list positions → line of that entry, counted from 1."""

    path: Path
    data: dict
    lines: dict[Place, int]
    header: str

    def line(self, path: Place) -> int:
        """Line of the entry, or of the closest enclosing one."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1

    def error(self, path: Place, message: str) -> SpecError:
        return self.error_at(self.line(path), message)

    def error_at(self, line: int, message: str) -> SpecError:
        return SpecError(f"{self.path.name}:{line}: {message}")


def read(path: Path) -> Source:
    """Read one YAML mapping. Raises SpecError with file and line."""
    text = _text(path)
    try:
        _refuse_expansion(path, text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise SpecError(f"{path.name}:{mark.line + 1 if mark else 1}: not valid YAML: {problem}.") from None
    if node is None:
        raise SpecError(f"{path.name}:1: the file is empty, expected a mapping.")
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(f"{path.name}:{node.start_mark.line + 1}: expected a mapping (key: value) at the top of the file.")
    lines: dict[Place, int] = {}
    return Source(path, _build(path, node, (), lines), lines, _header(text))


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise SpecError(f"{path}: no such file.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpecError(f"{path.name}: {size} bytes, expected at most {MAX_BYTES}: a spec is a short text.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{path.name}: byte {error.start} is not UTF-8, expected a YAML text file.") from None
    if odd := UNPRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise SpecError(f"{path.name}:{line}: character {odd.group()!r} cannot stand in YAML, expected a text file.")
    return text


def _refuse_expansion(path: Path, text: str) -> None:
    """One pass over the parser's events, so that nothing is built from a file that could blow up."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        where = f"{path.name}:{event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SpecError(f"{where}: anchors (&) and aliases (*) are not used in specs; write the value out.")
        if getattr(event, "tag", None):
            raise SpecError(f"{where}: tag '{event.tag}' is not used in specs; write plain values.")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise SpecError(f"{where}: a second YAML document (---), expected one per file.")
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise SpecError(f"{where}: nested more than {MAX_DEPTH} levels deep.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(path: Path, node: yaml.Node, at: Place, lines: dict[Place, int]):
    where = f"{path.name}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.ScalarNode):
        return _scalar(where, node)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            lines[*at, index] = item.start_mark.line + 1
            items.append(_build(path, item, (*at, index), lines))
        return items
    mapping: dict = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _key(f"{path.name}:{line}", key_node)
        if key in mapping:
            raise SpecError(f"{path.name}:{line}: key '{key}' stands twice, first in line {lines[*at, key]}.")
        lines[*at, key] = line
        mapping[key] = _build(path, value_node, (*at, key), lines)
    return mapping


def _key(where: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise SpecError(f"{where}: a list or mapping cannot be a key.")
    if node.tag in PLAIN_TYPES:
        raise SpecError(f'{where}: key {node.value[:MAX_KEY] or "(empty)"} is not text, write "{node.value[:MAX_KEY]}" in quotes.')
    if len(node.value) > MAX_KEY:
        raise SpecError(f"{where}: a key of {len(node.value)} characters, expected at most {MAX_KEY}.")
    return _scalar(where, node)


def _scalar(where: str, node: yaml.ScalarNode) -> str | int | float | bool | None:
    text = node.value
    if node.tag == "bool":
        return text.lower() == "true"
    if node.tag == "null":
        return None
    if node.tag == "int":
        digits = text.replace("_", "")
        if len(digits) > 20 or abs(int(digits)) >= 2**63:
            raise SpecError(f"{where}: {text[:MAX_KEY]} is too large, expected a whole number below 2^63.")
        return int(digits)
    if node.tag == "float":
        value = float(re.sub(r"_|\.(?=[iInN])", "", text))  # Python writes inf and nan without YAML's dot
        if not math.isfinite(value):
            raise SpecError(f"{where}: {text[:MAX_KEY]} is not a finite number.")
        return value
    if odd := UNPRINTABLE.search(text):  # written as an escape, "\0"
        raise SpecError(f"{where}: character {odd.group()!r} cannot stand in a text.")
    return text


def _header(text: str) -> str:
    """The comment that opens the file, without its '#'."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[1:].removeprefix(" ").rstrip())
    return "\n".join(lines).strip()
