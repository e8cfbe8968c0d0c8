"""Reading YAML: lines, types, and everything that is refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ganzoo.errors import SpecError
from ganzoo.spec.yaml_lines import MAX_BYTES, read


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "some.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_every_entry_knows_its_line(tmp_path):
    source = read(written(tmp_path, "# head\n\na: 1\nb:\n  c: {d: 2,\n      e: 3}\n  f:\n    - x\n    - {g: 4}\n"))
    assert source.data == {"a": 1, "b": {"c": {"d": 2, "e": 3}, "f": ["x", {"g": 4}]}}
    expected = {("a",): 3, ("b",): 4, ("b", "c"): 5, ("b", "c", "d"): 5, ("b", "c", "e"): 6, ("b", "f", 0): 8, ("b", "f", 1, "g"): 9}
    assert {path: source.lines[path] for path in expected} == expected
    assert source.line(("b", "c", "missing")) == 5
    assert source.line(("nowhere",)) == 1


def test_header_is_the_opening_comment(tmp_path):
    assert read(written(tmp_path, "# One.\n#\n#     two\n\n# not this\na: 1\n")).header == "One.\n\n    two"
    assert read(written(tmp_path, "a: 1\n# late\n")).header == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("10_000", 10000),
        ("2.0e-4", 2e-4),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("2e-4", "2e-4"),
        ("12:30", "12:30"),
        ("2001-01-01", "2001-01-01"),
        ("010", "010"),
        ('"3"', "3"),
        ("<<", "<<"),
    ],
)
def test_plain_values(tmp_path, text, value):
    read_value = read(written(tmp_path, f"a: {text}")).data["a"]
    assert read_value == value
    assert type(read_value) is type(value)


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("", 1, "empty"),
        ("# only a comment\n", 1, "empty"),
        ("- a\n- b\n", 1, "expected a mapping"),
        ("\n\nhello", 3, "expected a mapping"),
        ("a: 1\nb: [1,\nc: }", 3, "not valid YAML"),
        ("a:\n\t- 1", 2, "not valid YAML"),
        ("a: 1\nb: 2\na: 3", 3, "'a' stands twice, first in line 1"),
        ("a: 1\n---\nb: 2", 2, "second YAML document"),
        ("a: 1\n2: b", 2, 'write "2" in quotes'),
        ("a: 1\ntrue: b", 2, 'write "true" in quotes'),
        ("a: 1\n? [b]\n: c", 2, "cannot be a key"),
        ("a: 1\nb: .nan", 2, "not a finite number"),
        ("a: -.inf", 1, "not a finite number"),
        ("a: 9223372036854775808", 1, "too large"),
        ("a: " + "9" * 5000, 1, "too large"),
        ("k" * 101 + ": 1", 1, "101 characters"),
        ('a: 1\nb: "\\e[31m"', 2, "cannot stand in a text"),
        ('a: 1\n"b\\0": 1', 2, "cannot stand in a text"),
        (b"a: 1\n\x00", 2, "cannot stand in YAML"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tag"),
        ('a: !!float "1"', 1, "tag"),
        ("a: &x 1\n", 1, "anchors"),
        ("a: *x\n", 1, "anchors"),
        ("a: 1\nb: " + "[" * 30, 2, "nested more than 24"),
        ("a: 1\nb: " + "{c: " * 100_000, 2, "nested more than 24"),
    ],
)
def test_refused_with_file_and_line(tmp_path, content, line, says):
    with pytest.raises(SpecError) as caught:
        read(written(tmp_path, content))
    assert str(caught.value).startswith(f"some.yaml:{line}: ")
    assert says in str(caught.value)


def test_not_text(tmp_path):
    with pytest.raises(SpecError, match="byte 3 is not UTF-8"):
        read(written(tmp_path, b"a: \xff\xfe"))


def test_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    assert read(written(tmp_path, b"\xef\xbb\xbfa: 1")).data == {"a": 1}


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(SpecError, match="no such file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match="no such file"):
        read(tmp_path)


def test_file_size_is_limited(tmp_path):
    with pytest.raises(SpecError, match=f"expected at most {MAX_BYTES}"):
        read(written(tmp_path, "a: " + "x" * MAX_BYTES))


def test_bomb_is_refused_before_it_grows(tmp_path):
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 30)]
    started = time.perf_counter()
    with pytest.raises(SpecError, match="some.yaml:1: anchors"):
        read(written(tmp_path, "\n".join(["l0: &l0 [x, x]", *levels])))
    assert time.perf_counter() - started < 1
