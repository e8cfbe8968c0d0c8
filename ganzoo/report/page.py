"""Templates filled and files written: the parts that the report and the index share."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganzoo import __version__
from ganzoo.bench.store import write_text
from ganzoo.errors import StoreError
from ganzoo.report.text import plural
from ganzoo.report.verdicts import look


@cache
def _environment() -> Environment:
    """Everything is escaped unless it is Markup; a name that the view lacks is an error, not a blank."""
    environment = Environment(
        loader=PackageLoader("ganzoo.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"look": look, "plural": plural}
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # verdicts keep their order
    return environment


def fill(template: str, **context: object) -> str:
    environment = _environment()
    script, style = (environment.loader.get_source(environment, name)[0] for name in ("print.js", "style.css"))
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        version=__version__, script=Markup(script), script_hash=script_hash, style=Markup(style), **context
    )


def write(path: Path, text: str, remedy: str = "Choose another folder with --out DIR.") -> Path:
    """Whole or not at all: readers never meet half a page. `remedy`: what to do where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise StoreError(f"report {path} cannot be written ({error.strerror}). {remedy}") from error
    return path
