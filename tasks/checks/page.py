"""The first page of a store's quality: what is broken and by whom, drift as a picture, Data Docs linked."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.checks.remembered import SHOWN, Check, courses
from tasks.checks.verdicts import Quality
from tasks.outputs.report import TEMPLATES
from tasks.outputs.report_view import clock


def render_quality(
    quality: Quality,
    drift: bytes,
    site: PurePath,
    media: Mapping[str, str],
    baseline: int,
    days: int,
    checks: Sequence[Check] = (),
) -> str:
    """One HTML page for `quality/` of a store; `site` is the first page of Data Docs, relative to it.

    `drift` is a PNG, `media` the name of each asset's media, `baseline` the number of assets in the baseline,
    `days` what counts as recent, `checks` the last ones, this one included.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "\n".join(
        (TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "quality.css")
    )
    return environment.get_template("quality.html.j2").render(
        quality=quality,
        broken=[*quality.blocked, *quality.warnings],
        drift=base64.b64encode(drift).decode(),
        site=quote(site.as_posix()),
        assets=len(media),
        media=media,
        courses=courses(checks),
        checks=checks[-SHOWN:],
        baseline=baseline,
        days=days,
        link=lambda asset, at=None: f"../{quote(asset)}/report.html" + (f"#t={at:g}" if at else ""),
        clock=clock,
        style=Markup(style),
    )
