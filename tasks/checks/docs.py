"""Data Docs that open without a network: Great Expectations' pages with templates of our own.

Its own templates fetch styles and scripts from five hosts, show an index only when these arrive, and load a
picture whose address says which installation asks. These ask for nothing.
"""

import re
import shutil
from pathlib import Path
from typing import Any

from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

TEMPLATES = Path(__file__).parents[1] / "outputs" / "templates" / "data_docs"
SITE = "local_site"
PLACE = f"gx/uncommitted/data_docs/{SITE}"  # below the project's folder
HEADING = re.compile(r"<(?P<end>/?)h(?P<level>[1-6])(?=[\s>])")
MOST_CHECKS = 30  # kept and listed: a month of nights
MOST_RESULTS = 20 * MOST_CHECKS  # a check has one of each table, at most twenty


class Page(DefaultJinjaPageView):
    """One suite, or what came of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _prefer_ours(self)

    def render(self, *given: Any, **options: Any) -> str:
        return in_levels(super().render(*given, **options))


class IndexPage(DefaultJinjaIndexPageView):
    """All suites and results."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _prefer_ours(self)

    def render(self, *given: Any, **options: Any) -> str:
        return in_levels(super().render(*given, **options))


def in_levels(page: str) -> str:
    """The page with headings that skip no level: Great Expectations chooses them by their size.

    Values of media stand in it escaped, so that what looks like a heading is one.
    """
    above: list[int] = []

    def level(found: re.Match[str]) -> str:
        asked = int(found["level"])
        if not found["end"]:
            while above and above[-1] >= asked:
                above.pop()
            above.append(asked)
        return f"<{found['end']}h{len(above)}"

    return HEADING.sub(level, page)


def forget_old(folder: Path, keep: int) -> int:
    """Removes results, and pages of results, of all but the newest `keep` checks; returns of how many."""
    roots = [folder / "gx/uncommitted/validations", folder / PLACE / "validations"]
    found = [check for root in roots for check in root.glob("*/*") if _is_ours(folder, check)]
    names = sorted({check.name for check in found})  # each is named by its time
    old = names[: max(0, len(names) - keep)]
    for check in found:
        if check.name in old:
            shutil.rmtree(check)
    return len(old)


def _is_ours(folder: Path, check: Path) -> bool:
    """A folder of this site, not a way out of it: others may have written here."""
    inside = check.resolve().is_relative_to(folder.resolve())
    return inside and check.is_dir() and not check.is_symlink()


def site_config() -> Any:
    """For `update_data_docs_site`."""
    page = {"module_name": __name__, "class_name": Page.__name__}
    index = {"module_name": __name__, "class_name": IndexPage.__name__}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": f"uncommitted/data_docs/{SITE}/",
        },
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "validation_results_limit": MOST_RESULTS,
            "view": index,
        },
        "site_section_builders": {
            "expectations": {"view": page},
            "validations": {"view": page, "validation_results_limit": MOST_RESULTS},
            "profiling": "None",
        },
    }


def _prefer_ours(view: Any) -> None:
    view.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), view.env.loader])
