"""The transcriptions under reference_results/published/, and what a wrong one is answered with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ganzoo.errors import ReferencesError
from ganzoo.judge.references import Published, load_document, load_published

PUBLISHED = Path(__file__).resolve().parents[3] / "reference_results" / "published"

# Typed from the document's Tables 1 and 2, apart from the YAML: architecture, batch, then CIFAR-10, ImageNet, CelebA, CelebA-HQ.
TABLE_1 = """
DCGAN    32  4.66±0.053  6.45±0.067  3.7±0.076   3.56±0.077
SN-DCGAN 32  4.92±0.049  6.19±0.095  3.42±0.056  3.51±0.039
DCGAN    64  4.65±0.051  6.56±0.063  3.8±0.085   3.47±0.055
SN-DCGAN 64  4.41±0.057  6.50±0.091  3.67±0.096  3.22±0.059
"""
TABLE_2 = """
DCGAN    32  81.8   62.49  53.64  56.14
SN-DCGAN 32  95.46  95.07  62.49  56.7
DCGAN    64  79.24  61.36  54.24  58.77
SN-DCGAN 64  95.07  63.36  56.85  59.1
"""
COLUMNS = ("CIFAR-10", "ImageNet", "CelebA", "CelebA-HQ")

CLAIMS = {
    "liu": [f"L{n}" for n in range(1, 18)],
    "iyengar": [f"I{n}" for n in range(1, 12)],
    "machinecurve": [f"M{n}" for n in range(1, 7)],
    "resblocks": [f"R{n}" for n in range(1, 8)],
    "selfgan": [f"W{n}" for n in range(1, 9)],
    "quickstart": [],
}
PARTS = {
    "liu": ["L1a", "L1b", "L14a", "L14b"],
    "iyengar": ["I2a", "I2b", "I5a", "I5b", "I6a", "I6b", "I6c", "I10a", "I10b", "I11a", "I11b", "I11c"],
    "machinecurve": ["M1a", "M1b", "M2a", "M2b", "M2c", "M2d", "M3a", "M3b", "M3c"],
    "resblocks": ["R4a", "R4b"],
    "selfgan": ["W3a", "W3b"],
    "quickstart": [],
}


@pytest.fixture(scope="module")
def published() -> dict[str, Published]:
    return load_published(PUBLISHED)


def typed(table: str) -> dict[tuple[str, int, str], tuple[float, float | None]]:
    """(architecture, batch, column) → (value, spread)"""
    cells = {}
    for line in table.strip().splitlines():
        architecture, batch, *entries = line.split()
        for column, entry in zip(COLUMNS, entries, strict=True):
            value, _, spread = entry.partition("±")
            cells[architecture, int(batch), column] = (float(value), float(spread) if spread else None)
    return cells


@pytest.mark.parametrize(("table", "expected"), [("table-1", TABLE_1), ("table-2", TABLE_2)])
def test_every_cell_is_as_printed(published, table, expected):
    cells = published["iyengar"].table(table).cells
    assert len(cells) == 16
    assert {(c.row["architecture"], c.row["batch"], c.column): (c.value, c.spread) for c in cells} == typed(expected)


def test_both_tables_name_the_same_cells(published):
    first, second = published["iyengar"].tables
    assert [(cell.id, cell.row, cell.column) for cell in first.cells] == [(cell.id, cell.row, cell.column) for cell in second.cells]
    for cell in first.cells:
        assert cell.id == f"{cell.row['architecture']}-{cell.row['batch']}-{cell.column.replace('CIFAR-10', 'cifar10')}".lower()


def test_tables_say_what_their_numbers_are(published):
    scores, distances = published["iyengar"].tables
    assert (scores.metric, scores.label, distances.metric, distances.label) == ("is", "Inception Score", "frechet", "FID")
    assert scores.protocol == distances.protocol == "iyengar-2018"
    assert scores.spread.over == "splits" and distances.spread is None
    assert scores.place(scores.cell("sn-dcgan-64-celeba-hq")) == "Table 1, architecture SN-DCGAN, batch 64, CelebA-HQ"


def test_remarks_stand_on_the_cells_they_are_about(published):
    scores, distances = published["iyengar"].tables
    assert {cell.column for cell in scores.cells if "off-domain" in cell.flags} == {"CelebA", "CelebA-HQ"}
    assert {cell.column for cell in scores.cells if "off-domain" not in cell.flags} == {"CIFAR-10", "ImageNet"}
    repeated = {value for value, times in Counter(cell.value for cell in distances.cells).items() if times > 1}
    assert {cell.id for cell in distances.cells if "repeated-value" in cell.flags} == {c.id for c in distances.cells if c.value in repeated}


def pairs(cells: dict, axis: int, one: object, other: object) -> list[tuple[float, float]]:
    """Values of the cells that differ in one axis only: (at `one`, at `other`)."""
    return [(cells[key][0], cells[(*key[:axis], other, *key[axis + 1 :])][0]) for key in cells if key[axis] == one]


def test_notes_count_the_tables_right(published):
    """The self-consistency counts that the notes of I1 to I3 give, recounted."""
    scores, distances = typed(TABLE_1), typed(TABLE_2)
    sn_worse_fid = sum(sn > plain for plain, sn in pairs(distances, 0, "DCGAN", "SN-DCGAN"))
    sn_better_is = sum(sn > plain for plain, sn in pairs(scores, 0, "DCGAN", "SN-DCGAN"))
    large_better_is = sum(large > small for small, large in pairs(scores, 1, 32, 64))
    large_better_fid = sum(large < small for small, large in pairs(distances, 1, 32, 64))
    hq_better_fid = sum(hq < plain for plain, hq in pairs(distances, 2, "CelebA", "CelebA-HQ"))
    hq_better_is = sum(hq > plain for plain, hq in pairs(scores, 2, "CelebA", "CelebA-HQ"))
    notes = {name: " ".join(published["iyengar"].claim(name).note.split()) for name in ("I1", "I2", "I3")}
    assert f"FID is worse in {sn_worse_fid} of 8 cells" in notes["I1"] and f"better in only {sn_better_is} of 8" in notes["I1"]
    assert f"score rises in {large_better_is} of 8 pairs" in notes["I2"] and f"FID falls in {large_better_fid} of 8" in notes["I2"]
    assert f"lower FID in {hq_better_fid} of 4 pairs" in notes["I3"] and f"higher Inception score in {hq_better_is} of 4" in notes["I3"]


@pytest.mark.parametrize("document", CLAIMS)
def test_every_claim_is_there(published, document):
    claims = published[document].claims
    assert [claim.id for claim in claims] == CLAIMS[document]
    assert [part.id for claim in claims for part in claim.parts] == PARTS[document]


def test_no_document_is_left_out(published):
    assert published.keys() == CLAIMS.keys()


@pytest.mark.parametrize(
    ("document", "claim", "kind"),
    [
        ("liu", "L1", "trend"), ("liu", "L1b", "event"), ("liu", "L3", "no-difference"), ("liu", "L12", "ordering"), ("liu", "L14", "cost"),
        ("iyengar", "I5", "event"), ("iyengar", "I6c", "cost"), ("machinecurve", "M4", "probe"), ("resblocks", "R6", "trend"),
        ("selfgan", "W6", "property"), ("selfgan", "W7", "threshold"),
    ],
)  # fmt: skip
def test_kinds(published, document, claim, kind):
    assert published[document].claim(claim).kind == kind


@pytest.mark.parametrize(
    ("document", "claim", "expected"),
    [
        ("iyengar", "I6", {42, 21, 81.5e6, 173.5e6}),
        ("iyengar", "I11", {1e-4, 2e-4, 5e-5, 2}),
        ("liu", "L5", {30, 40, 50}),
        ("liu", "L14", {1, 4, 24}),
        ("machinecurve", "M3", {2e-4, 1e-3, 0.5, 0.9, 0.02, 128}),
        ("resblocks", "R3", {0.001}),
        ("resblocks", "R1", {4, 15, 20}),
        ("selfgan", "W5", {2000, 20000, 59600, 68800, 68000}),
        ("selfgan", "W4", {0.1, 0.9}),
    ],
)
def test_stated_numbers(published, document, claim, expected):
    stated = published[document].claim(claim).numbers
    assert {number.value for number in stated} >= expected


def test_every_file_opens_with_a_comment_that_says_how_to_add_to_it():
    for path in sorted(PUBLISHED.glob("*.yaml")):
        header = path.read_text(encoding="utf-8").split("\n\ndocument:")[0]
        assert all(line.startswith("#") for line in header.splitlines()), path.name
        assert "To add" in header, path.name


def test_unjudged_claims_are_those_no_spec_covers(published):
    machinecurve = published["machinecurve"]
    assert [entry.id for entry in machinecurve.unjudged({"M1", "M3b", "M4"})] == ["M2", "M3a", "M3c", "M5", "M6"]
    assert machinecurve.unjudged({claim.id for claim in machinecurve.claims}) == []


def test_an_unknown_name_is_answered_with_the_nearest(published):
    iyengar = published["iyengar"]
    with pytest.raises(ReferencesError, match=r"no table 'table-3'.*Did you mean 'table-"):
        iyengar.table("table-3")
    with pytest.raises(ReferencesError, match="no cell 'dcgan-32-cifar'.*Did you mean 'dcgan-32-cifar10'"):
        iyengar.table("table-1").cell("dcgan-32-cifar")
    with pytest.raises(ReferencesError, match="iyengar has no claim 'I99'.*Valid: I1"):
        iyengar.claim("I99")


# --- files that are off -------------------------------------------------------------------------------------------------------------

GOOD = """\
document: example
title: An example
tables:
  - id: table-1
    title: FID of two nets
    where: Table 1
    metric: frechet
    label: FID
    protocol: tf-inception
    spread: {over: trainings, kind: std over 5 trainings}
    flags: {half-trained: Stopped early.}
    cells:
      - {id: small, row: {net: small}, column: CIFAR-10, value: 31.2, spread: 0.4}
      - {id: large, row: {net: large}, column: CIFAR-10, value: 28.9, spread: 0.7, flags: [half-trained]}
claims:
  - id: E1
    where: §3
    kind: ordering
    text: The large net is better and slower.
    parts:
      - {id: E1a, kind: ordering, text: Better.}
      - {id: E1b, kind: cost, text: Slower.}
"""


def load(tmp_path: Path, text: str) -> Published:
    path = tmp_path / "example.yaml"
    path.write_text(text, encoding="utf-8")
    return load_document(path)


def test_the_readmes_example_loads(tmp_path):
    readme = (PUBLISHED.parent / "README.md").read_text(encoding="utf-8")
    example = load(tmp_path, readme.split("```yaml\n")[1].split("```")[0])
    assert example.claim("E1b").kind == "cost" and example.table("table-1").cell("large-cifar10").flags == ["half-trained"]


def test_the_example_loads(tmp_path):
    assert load(tmp_path, GOOD).table("table-1").cell("large").value == 28.9


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: ordering\n", "kind: orderin\n", r"example\.yaml:18: claims\[0\]\.kind .*orderin.*Did you mean 'ordering'"),
        ("value: 31.2", "value: lots", r"example\.yaml:13: tables\[0\]\.cells\[0\]\.value .*lots.*number"),
        ("value: 31.2", "value: .nan", r"example\.yaml:13: .*not a finite number"),
        ("value: 31.2", "value: true", r"tables\[0\]\.cells\[0\]\.value is true, expected a number"),
        ("    where: §3\n", "", r"example\.yaml:16: claims\[0\]\.where is missing"),
        ("    where: §3\n", "    where: §3\n    were: §3\n", r"example\.yaml:18: unknown key 'claims\[0\]\.were'.*Did you mean 'where'"),
        ("metric: frechet", "metric: fid", r"tables\[0\]\.metric .*fid.*Valid: .*frechet"),
        ("id: large", "id: small", r"cell id 'small' stands twice"),
        ("row: {net: large}", "row: {net: small}", r"row and column 'Table 1, net small, CIFAR-10' stands twice"),
        ("row: {net: large}", "row: {model: large}", r"cell 'large' names its row by model, expected net"),
        (", spread: 0.7", "", r"cell 'large' has no spread, expected one in every cell"),
        ("    spread: {over: trainings, kind: std over 5 trainings}\n", "", r"cell 'small' has spread 0\.4, expected the table to say"),
        ("spread: 0.4", "spread: -0.4", r"tables\[0\]\.cells\[0\]\.spread is -0\.4"),
        ("flags: [half-trained]", "flags: [halftrained]", r"flag 'halftrained', unknown to its table. Did you mean 'half-trained'"),
        ("id: E1b", "id: E2", r"parts are E1a, E2, expected E1a, E1b"),
        ("document: example", "document: exmaple", r"document is 'exmaple', expected 'example'.*rename"),
        ("claims:\n", "numbers: [{what: days, value: 3}]\nclaims:\n", r"number 'days' .*needs its own `where`"),
        ("title: An example", "title: [An, example]", r"example\.yaml:2: title "),
        ("title: An example", "title: An example\ntitle: Another", r"example\.yaml:3: key 'title' stands twice"),
        ("title: An example", "title: !!python/object/apply:os.getcwd []", r"example\.yaml:2: tag "),
        ("title: An example", "title: &a [x]\nauthors: [*a, *a]", r"example\.yaml:2: anchors"),
        ("title: An example", "title: 'An example", r"example\.yaml:\d+: not valid YAML"),
    ],
)
def test_what_is_off_is_named_with_its_place(tmp_path, old, new, says):
    assert old in GOOD
    with pytest.raises(ReferencesError, match=says) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert "README.md" in str(caught.value) or "rename" in str(caught.value), "a remedy"


def test_every_fault_of_a_file_is_named_at_once(tmp_path):
    with pytest.raises(ReferencesError) as caught:
        load(tmp_path, GOOD.replace("value: 31.2", "value: lots").replace("kind: ordering\n", "kind: orderin\n"))
    assert "example.yaml:13" in str(caught.value) and "example.yaml:18" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"\xff\xfe\x00binary", b"[" * 5000])
def test_what_is_no_reference_file_at_all(tmp_path, content):
    path = tmp_path / "example.yaml"
    path.write_bytes(content)
    with pytest.raises(ReferencesError, match="example.yaml"):
        load_document(path)


def test_missing_file_and_missing_folder(tmp_path):
    with pytest.raises(ReferencesError, match="nowhere.yaml"):
        load_document(tmp_path / "nowhere.yaml")
    with pytest.raises(ReferencesError, match="nowhere: no such folder.*GANZOO_HOME"):
        load_published(tmp_path / "nowhere")
