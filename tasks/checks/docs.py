"""Data Docs that open without a network: Great Expectations' pages with templates of our own.

Its own templates fetch styles and scripts from five hosts, show an index only when these arrive, and load a
picture whose address says which installation asks. These ask for nothing.
"""

from pathlib import Path
from typing import Any

from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

TEMPLATES = Path(__file__).parents[1] / "outputs" / "templates" / "data_docs"
SITE = "local_site"
PLACE = f"gx/uncommitted/data_docs/{SITE}"  # below the project's folder
MOST_RESULTS = 330  # listed and kept as pages: a month of nights


class Page(DefaultJinjaPageView):
    """One suite, or what came of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _prefer_ours(self)


class IndexPage(DefaultJinjaIndexPageView):
    """All suites and results."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _prefer_ours(self)


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
