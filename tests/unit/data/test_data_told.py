"""What `ganzoo list datasets` and `ganzoo doctor` say of data sets: what is there, what is not, and how to get it."""

from __future__ import annotations

import json

from ganzoo.commands.doctor import dataset_rows
from ganzoo.commands.listing import listing
from ganzoo.data import names


def test_every_set_has_a_row_and_a_missing_one_the_way_to_it(data_root, write_image):
    write_image(data_root / "imagenet" / "train" / "n02085620" / "1.JPEG")
    rows = {name: (state, told) for name, state, told in dataset_rows()}
    assert list(rows) == names()
    assert rows["digits"][0] == rows["imagenet"][0] == "ready" and "Looked in" not in rows["imagenet"][1]
    for name, remedy in (("cifar10", "cifar-10-binary.tar.gz"), ("celeba", "img_align_celeba.zip"), ("celeba-hq", "30,000 images")):
        state, told = rows[name]
        assert state == "missing" and remedy in told and "Looked in: " in told and str(data_root) in told
    assert rows["folder"][0] == "yours to point at" and "data.path" in rows["folder"][1]


def test_listed_alone_they_are_told_in_full_and_in_json_by_name(data_root, capsys):
    listing("datasets", as_json=False)
    said = capsys.readouterr().out
    assert all(name in said for name in names()) and "img_align_celeba.zip" in said and str(data_root) in said.replace("\n", "")
    listing("datasets", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"datasets": names()}
