"""Wait for what a page shows, also where its rules forbid Playwright's own waiting."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page


def until(page: "Page", expression: str, arg: Any = None, seconds: float = 60) -> None:
    """Return once `expression` holds in `page`; raise AssertionError after `seconds`.

    `Page.wait_for_function` evaluates its text in the page again and again, which a Content-Security-Policy
    without 'unsafe-eval' refuses from the second time on: it passes only where the first look finds it.
    `Page.evaluate` comes from the debugger each time, which the policy does not bind.
    """
    limit = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < limit, f"not within {seconds} s: {expression}"
        page.wait_for_timeout(50)
