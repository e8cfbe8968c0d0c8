"""Templates filled and files written: the parts that the report and the index share."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganzoo import __version__
from ganzoo.errors import StoreError
from ganzoo.report.verdicts import look


@cache
def _environment() -> Environment:
    """Everything is escaped unless it is Markup; a name that the view lacks is an error, not a blank."""
    environment = Environment(
        loader=PackageLoader("ganzoo.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["look"] = look
    return environment


def fill(template: str, **context: object) -> str:
    environment = _environment()
    script, style = (environment.loader.get_source(environment, name)[0] for name in ("print.js", "style.css"))
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        version=__version__, script=Markup(script), script_hash=script_hash, style=Markup(style), **context
    )


def write(path: Path, text: str) -> Path:
    """Whole or not at all: readers never meet half a page."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide the page from a web server
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror}. Choose another folder with --out.") from error
    return path
