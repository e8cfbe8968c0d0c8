"""Where data files are looked for, and how a path given by a user is turned into a place inside those folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo.paths import cache_dir, data_root


def download_root() -> Path:
    """Where this suite itself puts what it downloads. GANZOO_DATA is only ever read."""
    return cache_dir() / "data"


def search_roots() -> list[Path]:
    """Folders that may hold data, in the order they are tried: GANZOO_DATA (./data where it is not set), then downloads."""
    return [data_root() or Path.cwd() / "data", download_root()]


def places(paths: Iterable[str]) -> list[Path]:
    """Each of these relative paths below each search root, in the order they are tried."""
    return [root / path for root in search_roots() for path in paths]


def located(paths: Iterable[str], name: str, how_to_get: str) -> Path:
    """The first of a data set's `places` that exists. Like a path given by a user, it may not leave its root through a link."""
    for root in search_roots():
        for path in paths:
            if _inside(root, path, "Move it there, or set GANZOO_DATA to the folder that holds it"):
                return root / path
    raise DataError(f"data set '{name}' not found. Looked in: {looked_in(places(paths))}. {how_to_get}")


def looked_in(places: list[Path]) -> str:
    """The tail of a message about missing data: every place tried, and whether there is anything to read."""
    return "; ".join(f"{place}{'' if os.access(place, os.R_OK) else ' (missing or unreadable)'}" for place in places)


def find(path: str | None, name: str) -> Path:
    """The existing file or folder that `path` of data set `name` means: absolute, or relative to a search root.

    A relative path may not leave its root, neither by '..' nor through a symbolic link.
    """
    if not path or "\0" in path:
        raise DataError(f"data set '{name}' needs a path, got {path!r}. Set data.path, absolute or relative to GANZOO_DATA.")
    if ".." in Path(path).parts and not Path(path).is_absolute():
        raise DataError(f"path {path!r} leaves the data folder. Expected a path below GANZOO_DATA without '..', or an absolute one.")
    roots = [Path("/")] if Path(path).is_absolute() else search_roots()
    for root in roots:
        if found := _inside(root, path, "Give the absolute path instead"):
            return found
    raise DataError(
        f"data set '{name}': {path!r} not found. Looked in: {looked_in([root / path for root in roots])}. "
        "Put it there, give an absolute path, or set GANZOO_DATA to the folder that holds it."
    )


def _inside(root: Path, path: str, remedy: str) -> Path | None:
    """`path` below `root` with all links followed, None where nothing is there."""
    try:
        if not (root / path).exists():
            return None
        found = (root / path).resolve()
        stays = found.is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        raise DataError(f"path {path!r} cannot be read: {error}") from None
    if not stays:
        raise DataError(f"path {path!r} leaves the data folder {root} by a link to {found}. {remedy}.")
    return found


def check_stays_below(folder: Path, link: Path) -> None:
    """Refuses a link in the resolved `folder` that points out of it: a data set is what its folder holds."""
    target = link.resolve()
    if not target.is_relative_to(folder):
        raise DataError(f"{link} is a link that leaves the folder {folder}, to {target}. Put the files there instead of linking them.")
