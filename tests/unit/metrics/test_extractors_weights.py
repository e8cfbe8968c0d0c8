"""Weights files: where they are looked for, that nothing but the published bytes is accepted, and what a user is told."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ganzoo.errors import WeightsError
from ganzoo.metrics.extractors import weights
from ganzoo.metrics.extractors.weights import WeightsFile, state_dict

CONTENT = bytes(range(256)) * 40
NAME = "net-1234.pth"


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch) -> dict[str, Path]:
    """Empty folders in place of the user's."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("GANZOO_WEIGHTS", raising=False)
    monkeypatch.delenv("GANZOO_DOWNLOAD", raising=False)
    weights._checked.clear()
    return {"cache": tmp_path / "cache" / "weights", "torch": tmp_path / "torch" / "hub" / "checkpoints", "own": tmp_path / "own"}


@pytest.fixture
def server(tmp_path) -> Path:
    """A file that stands for what the publisher serves."""
    path = tmp_path / "served" / NAME
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def file(server) -> WeightsFile:
    return WeightsFile(NAME, server.as_uri(), hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "MIT")


def put(folder: Path, content: bytes = CONTENT, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("where", ["cache", "torch"])
def test_found_in(places, file, where):
    path = put(places[where])
    assert file.locate() == path


def test_ganzoo_weights_as_folder_and_as_file_comes_first(places, file, monkeypatch):
    put(places["cache"])
    path = put(places["own"])
    monkeypatch.setenv("GANZOO_WEIGHTS", str(places["own"]))
    assert file.locate() == path
    monkeypatch.setenv("GANZOO_WEIGHTS", str(path))
    assert file.locate() == path


def test_missing_names_file_digest_size_url_places_and_remedies(places, file, monkeypatch):
    monkeypatch.setenv("GANZOO_WEIGHTS", str(places["own"]))
    with pytest.raises(WeightsError) as caught:
        file.locate()
    told = [NAME, file.sha256, f"{len(CONTENT):,} bytes", file.url, *(str(place) for place in places.values())]
    told += ["GANZOO_WEIGHTS", "GANZOO_DOWNLOAD=1", "missing", file.licence]
    assert [part for part in told if part not in str(caught.value)] == []
    assert not places["cache"].exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [(CONTENT[:-1], "truncated"), (b"\1" + CONTENT[1:], "sha256"), (b"", "0 bytes")],
    ids=["truncated", "one-bit", "empty"],
)
def test_wrong_bytes_are_told_and_passed_over(places, file, content, told):
    path = put(places["cache"], content)
    with pytest.raises(WeightsError, match=told) as caught:
        file.locate()
    assert str(path) in str(caught.value)
    good = put(places["torch"])
    assert file.locate() == good


def test_folder_in_place_of_the_file(places, file):
    (places["cache"] / NAME).mkdir(parents=True)
    with pytest.raises(WeightsError, match="a folder of that name"):
        file.locate()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(places, file):
    put(places["cache"]).chmod(0)
    with pytest.raises(WeightsError, match="unreadable: Permission denied"):
        file.locate()


def test_another_file_in_ganzoo_weights(places, file, monkeypatch):
    monkeypatch.setenv("GANZOO_WEIGHTS", str(put(places["own"], name="other.pth")))
    with pytest.raises(WeightsError, match="other.pth"):
        file.locate()


def test_verified_once_but_again_after_a_change(places, file, monkeypatch):
    path, read = put(places["cache"]), []
    monkeypatch.setattr(weights.hashlib, "file_digest", lambda f, how, real=hashlib.file_digest: read.append(1) or real(f, how))
    file.locate(), file.locate()
    assert len(read) == 1
    path.write_bytes(b"\1" + CONTENT[1:])
    os.utime(path, ns=(1, 1))
    with pytest.raises(WeightsError, match="damaged"):
        file.locate()
    assert len(read) == 2


def test_nothing_is_fetched_unless_allowed(places, file, monkeypatch):
    monkeypatch.setattr(weights.urllib.request, "urlopen", lambda *a, **k: pytest.fail("asked the network"))
    for value in ("", "0", "yes"):
        monkeypatch.setenv("GANZOO_DOWNLOAD", value)
        with pytest.raises(WeightsError, match="not found"):
            file.locate()


def test_fetched_whole_into_the_cache_once(places, file, server, monkeypatch):
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    path = file.locate()
    assert path == places["cache"] / NAME and path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == [NAME]
    server.unlink()
    assert file.locate() == path


@pytest.mark.parametrize(
    "served", [CONTENT[:-7], CONTENT + b"x" * (3 << 20), b"\1" + CONTENT[1:], None], ids=["short", "long", "other", "gone"]
)
def test_a_failed_fetch_leaves_nothing(places, file, server, monkeypatch, served):
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    server.write_bytes(served) if served is not None else server.unlink()
    with pytest.raises(WeightsError) as caught:
        file.locate()
    assert NAME in str(caught.value) and file.sha256 in str(caught.value) and "GANZOO_WEIGHTS" in str(caught.value)
    assert list(places["cache"].iterdir()) == []


def test_a_connection_that_breaks_leaves_nothing(places, file, monkeypatch):
    class Breaking:
        def __init__(self):
            self.blocks = [CONTENT[:100]]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self, _):
            if not self.blocks:
                raise ConnectionResetError("reset by peer")
            return self.blocks.pop()

    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    monkeypatch.setattr(weights.urllib.request, "urlopen", lambda *a, **k: Breaking())
    with pytest.raises(WeightsError, match="reset by peer"):
        file.locate()
    assert list(places["cache"].iterdir()) == []


def test_a_damaged_file_in_the_cache_is_replaced_where_fetching_is_allowed(places, file, monkeypatch):
    put(places["cache"], CONTENT[:10])
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    assert file.locate().read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written(places, file, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the cache should be")
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    with pytest.raises(WeightsError, match="could not be fetched"):
        file.locate()


FETCH = """
import sys
from ganzoo.metrics.extractors.weights import WeightsFile
name, url, sha256, size = sys.argv[1:]
print(WeightsFile(name, url, sha256, int(size), "MIT").locate())
"""


def test_two_processes_at_once(places, file):
    given = [sys.executable, "-c", FETCH, file.name, file.url, file.sha256, str(file.size)]
    environment = {**os.environ, "GANZOO_DOWNLOAD": "1"}
    both = [subprocess.Popen(given, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    done = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], done
    assert {out.strip() for out, _ in done} == {str(places["cache"] / NAME)}
    assert [p.name for p in places["cache"].iterdir()] == [NAME]


def test_a_pickle_with_code_in_it_is_not_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "harm",))

    torch.save({"weight": Harm()}, tmp_path / NAME)
    with pytest.raises(WeightsError, match="cannot be read as tensors"):
        state_dict(tmp_path / NAME)
    assert not (tmp_path / "harm").exists()


def test_what_is_no_dictionary(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / NAME)
    with pytest.raises(WeightsError, match="hold a list"):
        state_dict(tmp_path / NAME)
