"""Looking at a page as different people do: wide and narrow, light and dark, through axe."""

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe

WIDE, NARROW, NARROWEST = 1280, 390, 360
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_axe = Axe()


def sights(page: Any) -> Iterator[str]:
    """Show the page at each width in each scheme; the name of what is shown."""
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            yield f"{width} {scheme}"


def violations(page: Any) -> list[str]:
    """What axe finds wrong, in words; empty when nothing is."""
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in _axe.run(page, options=RULES).response["violations"]
        for node in found["nodes"]
    ]


def overflow(page: Any) -> int:
    """By how many pixels the page scrolls sideways on the narrowest phone."""
    page.set_viewport_size({"width": NARROWEST, "height": 740})
    too_wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return too_wide
