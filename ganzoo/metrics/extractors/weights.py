"""Weights files: looked for, checked against their digest before anything reads them, fetched where that is allowed."""

from __future__ import annotations

import hashlib
import http.client
import os
import secrets
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import WeightsError
from ganzoo.paths import cache_dir

DOWNLOAD, WEIGHTS = "GANZOO_DOWNLOAD", "GANZOO_WEIGHTS"
BLOCK = 1 << 20
TIMEOUT_S = 60
_checked: dict[tuple, str] = {}  # (path, size, modified) → sha256, for this process


@dataclass(frozen=True)
class WeightsFile:
    """A published file: what it is called, where it comes from, and what it must be, to the byte."""

    name: str
    url: str
    sha256: str
    size: int  # bytes
    licence: str

    def locate(self) -> Path:
        """The file whose digest matches, fetched into the cache where GANZOO_DOWNLOAD=1 allows it; WeightsError without one."""
        found = []
        for place in places(self.name):
            reason = self._wrong(place)
            if reason is None:
                return place
            found.append(f"{place} ({reason})")
        if os.environ.get(DOWNLOAD) == "1":
            return self._download()
        raise WeightsError(f"weights {self._identity()} not found. Looked in: {'; '.join(found)}. {self._remedy()}")

    def _wrong(self, path: Path) -> str | None:
        """Why `path` cannot be used; None: it is the file."""
        try:
            if path.is_dir():
                return "a folder of that name, not the file"
            state = path.stat()
            if state.st_size != self.size:
                return f"{state.st_size:,} bytes: truncated, or another file"
            digest = _digest(path, state)
        except FileNotFoundError:
            return "missing"
        except OSError as error:
            return f"unreadable: {error.strerror or error}"
        return None if digest == self.sha256 else f"sha256 {digest}: damaged, or another file"

    def _download(self) -> Path:
        """Into the cache under a name of its own, and to its place by one rename when every byte is checked and on the disk."""
        target = cache_dir() / "weights" / self.name
        partial = target.with_name(f".{self.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as file:
                self._fetch(file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            raise WeightsError(f"weights {self._identity()} could not be fetched to {target}: {error}. {self._remedy()}") from error
        finally:
            with suppress(OSError):
                partial.unlink()
        _checked[_key(target, target.stat())] = self.sha256
        return target

    def _fetch(self, file) -> None:
        total, digest = 0, hashlib.sha256()
        with urllib.request.urlopen(self.url, timeout=TIMEOUT_S) as source:
            while total <= self.size and (block := source.read(BLOCK)):
                total += len(block)
                digest.update(block)
                file.write(block)
        if total != self.size or digest.hexdigest() != self.sha256:
            got = f"{total:,} bytes, sha256 {digest.hexdigest()}" if total <= self.size else f"more than {self.size:,} bytes"
            raise WeightsError(f"what {self.url} sent is not {self._identity()}: {got}. Nothing was kept. {self._remedy()}")

    def _identity(self) -> str:
        return f"{self.name} ({self.size:,} bytes, sha256 {self.sha256})"

    def _remedy(self) -> str:
        kept = cache_dir() / "weights"
        return (
            f"Ways to get it: put the file from {self.url} into {kept}; or set {WEIGHTS} to the file, or to the folder that holds it; "
            f"or set {DOWNLOAD}=1 to have it fetched ({self.licence})."
        )


def places(name: str) -> list[Path]:
    """Where `name` is looked for, in order: GANZOO_WEIGHTS (a folder, or a file of that name), the suite's cache, torch's."""
    own = []
    if given := os.environ.get(WEIGHTS):
        path = Path(given).expanduser()
        own = [path if path.name == name and not (path / name).is_file() else path / name]
    return [*own, cache_dir() / "weights" / name, torch_home() / "checkpoints" / name]


def torch_home() -> Path:
    """torch.hub's folder, by torch's own rules but without creating it."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", Path(cache) / "torch")).expanduser() / "hub"


def state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a located file. Nothing in it is run; WeightsError where it holds anything else."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch makes of a strange file
        raise WeightsError(f"weights {path} cannot be read as tensors: {error}") from error
    if not isinstance(found, dict):
        raise WeightsError(f"weights {path} hold a {type(found).__name__}, expected names and tensors.")
    return found


def _key(path: Path, state: os.stat_result) -> tuple:
    return (str(path.absolute()), state.st_size, state.st_mtime_ns, state.st_ino)


def _digest(path: Path, state: os.stat_result) -> str:
    key = _key(path, state)
    if key not in _checked:
        with path.open("rb") as file:
            _checked[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _checked[key]
