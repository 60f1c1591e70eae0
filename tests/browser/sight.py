"""Looking at a page as different people do: wide and narrow, light and dark, through axe."""

from collections.abc import Iterable
from typing import Any

from axe_playwright_python.sync_playwright import Axe

WIDE, NARROW, NARROWEST = 1280, 390, 360
#: Of what it need not tell, axe counts the nodes all the same; that takes longer than looking.
_OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
#: All that a colour scheme changes.
_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
_script: str = Axe().axe_script


def faults(page: Any) -> dict[str, object]:
    """What is wrong with the page at each width in each scheme; empty when nothing is."""
    found: dict[str, object] = {}
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        found[f"{width} wide"] = in_both_schemes(page)
    found[f"{NARROWEST}, pixels too wide"] = overflow(page)
    return {sight: fault for sight, fault in found.items() if fault}


def in_both_schemes(page: Any, *, but: Iterable[str] = ()) -> list[str]:
    """What axe finds wrong by day, and with the colours of the night."""
    found = []
    for scheme, options in (("light", _OPTIONS), ("dark", _COLOURS)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {fault}" for fault in violations(page, options, but=but)]
    return found


def violations(page: Any, options: dict[str, Any] = _OPTIONS, *, but: Iterable[str] = ()) -> list[str]:
    """What axe finds wrong, in words; empty when nothing is. `but` names rules that are left out."""
    options = {**options, "rules": {rule: {"enabled": False} for rule in but}}
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script)
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in page.evaluate("options => axe.run(options).then(results => results.violations)", options)
        for node in found["nodes"]
    ]


def overflow(page: Any) -> int:
    """By how many pixels the page scrolls sideways on the narrowest phone."""
    page.set_viewport_size({"width": NARROWEST, "height": 740})
    too_wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return too_wide
