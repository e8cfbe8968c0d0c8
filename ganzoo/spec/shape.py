"""A pydantic class read as its JSON schema and walked along a path in a file: what may stand there, in words."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel

from ganzoo.spec.claims import NAME_RULE

Loc = tuple[str | int, ...]
WORDS = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false", "null": "null"}
LIMITS = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}


class Shape:
    """`data` is the file's content: where a union is told apart by a tag (`name`, `kind`), the tag in the data decides."""

    def __init__(self, model: type[BaseModel]):
        self.schema = model.model_json_schema()

    def at(self, loc: Loc, data: object) -> dict:
        """The schema's node for a path; empty where the schema leaves it open."""
        node = self.schema
        for part in loc:
            node = self._step(self._choose(node, data), part)
            data = _child(data, part)
        return node

    def place(self, loc: Loc, data: object) -> Loc:
        """pydantic's path of an error as a path in the file: without a union's tag (optim, d, adam, lr) and the "[key]" after a bad key."""
        node, path = self.schema, []
        tag_follows = False
        for part in loc:
            if not tag_follows and part != "[key]":
                node = self._step(self._choose(node, data), part)
                data = _child(data, part)
                path.append(part)
            tag_follows = not tag_follows and "discriminator" in self._dereferenced(node)
        return tuple(path)

    def keys(self, loc: Loc, data: object) -> list[str]:
        """The keys that a mapping at this path may have; empty where any may stand."""
        node = self.at(loc, data)
        for part in loc:
            data = _child(data, part)
        return list(self._choose(node, data).get("properties", {}))

    def tags(self, loc: Loc, data: object) -> list[str]:
        """The values that tell the members of a union apart."""
        node = self._dereferenced(self.at(loc, data))
        return list(node.get("discriminator", {}).get("mapping", {}))

    def expected(self, loc: Loc, data: object) -> str:
        """In words, as in "a whole number above 0"; empty where anything goes."""
        return self._words(self.at(loc, data))

    def options(self, loc: Loc, data: object) -> list[str]:
        """The texts of which one must stand there; empty if other things may."""
        node = self._dereferenced(self.at(loc, data))
        return [str(option) for member in node.get("anyOf", [node]) for option in _listed(self._dereferenced(member))]

    def _step(self, node: dict, part: str | int) -> dict:
        if isinstance(part, int):
            fixed = node.get("prefixItems", [])
            return fixed[part] if part < len(fixed) else node.get("items", {})
        if part in node.get("properties", {}):
            return node["properties"][part]
        values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        return next((value for value in values if isinstance(value, dict)), {})

    def _choose(self, node: dict, data: object) -> dict:
        """Of a union the member that the data means: by its tag, else the first that has an inside."""
        node = self._dereferenced(node)
        if tag := node.get("discriminator"):
            named = data.get(tag["propertyName"]) if isinstance(data, dict) else None
            member = next((member for name, member in tag["mapping"].items() if name == named), next(iter(tag["mapping"].values())))
            return self._dereferenced({"$ref": member})
        members = [self._choose(member, data) for member in node.get("anyOf", [])]
        return next((member for member in members if member.get("type") in ("object", "array")), node)

    def _dereferenced(self, node: dict) -> dict:
        while "$ref" in node:
            node = self.schema["$defs"][node["$ref"].rpartition("/")[2]]
        return node

    def _words(self, node: dict) -> str:
        node = self._dereferenced(node)
        if "anyOf" in node:
            return " or ".join(dict.fromkeys(filter(None, map(self._words, node["anyOf"]))))
        if listed := _listed(node):
            return f"one of {', '.join(map(str, listed))}"
        kind = node.get("type", "object" if "discriminator" in node else "")
        if kind == "object":
            return "a mapping (key: value)"
        if kind == "array":
            return self._list_words(node)
        limits = [f"{word} {node[limit]}" for limit, word in LIMITS.items() if limit in node]
        if node.get("minLength"):
            limits.append("that is not empty")
        if "pattern" in node:
            limits.append(f"of {NAME_RULE}")
        return " ".join(filter(None, [WORDS.get(kind, ""), " and ".join(limits)]))

    def _list_words(self, node: dict) -> str:
        if fixed := node.get("prefixItems"):
            return f"a list of {len(fixed)}, each {self._words(fixed[0])}"
        least = f" of at least {node['minItems']}" if node.get("minItems") else ""
        inner = self._words(node.get("items", {}))
        return f"a list{least}{f', each {inner}' if inner else ''}"


@cache
def shape_of(model: type[BaseModel]) -> Shape:
    return Shape(model)


def _listed(node: dict) -> list:
    return node["enum"] if "enum" in node else [node["const"]] if "const" in node else []


def _child(data: object, part: str | int) -> object:
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None
