"""Loading the small spec, whole or spoilt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_spec import SmallCatalogue, spoilt

from ganzoo.errors import SpecError
from ganzoo.spec import Spec, load_spec


@pytest.fixture
def catalogue() -> SmallCatalogue:
    return SmallCatalogue()


@pytest.fixture
def load(tmp_path: Path, catalogue: SmallCatalogue) -> Callable[..., Spec]:
    """load((old, new), …) loads the small spec so edited; load(text=…) another one; checked=False leaves the catalogue out."""

    def run(*edits: tuple[str, str], text: str | None = None, checked: bool = True) -> Spec:
        path = tmp_path / "small.yaml"
        path.write_text(spoilt(*edits) if text is None else text, encoding="utf-8")
        return load_spec(path, catalogue if checked else None)

    return run


@pytest.fixture
def refusal(load: Callable[..., Spec]) -> Callable[..., str]:
    """As `load`, for a spec that must be refused: its message."""

    def run(*edits: tuple[str, str], **options) -> str:
        with pytest.raises(SpecError) as caught:
            load(*edits, **options)
        return str(caught.value)

    return run
