"""The first page of a store's quality: what is broken and by whom, drift as a picture, Data Docs linked."""

import base64
from pathlib import PurePath
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.checks.verdicts import Quality
from tasks.outputs.report import TEMPLATES


def render_quality(
    quality: Quality, drift: bytes, site: PurePath, assets: int, baseline: int, days: int
) -> str:
    """One HTML page for `quality/` of a store; `site` is the first page of Data Docs, relative to it.

    `drift` is a PNG, `baseline` the number of assets in the baseline, `days` what counts as recent.
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
        assets=assets,
        baseline=baseline,
        days=days,
        link=lambda asset: f"../{quote(asset)}/report.html",
        style=Markup(style),
    )
