"""The drawn icons: paths of 24 by 24, stroked in the colour of the text."""

from django.utils.safestring import SafeString, mark_safe

_PATHS = {
    "chats": '<path d="M4 6h16M4 12h16M4 18h10"/>',
    "known": '<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><path d="M14.5 4.5v15"/>',
    "info": '<path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="2.6"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "down": '<path d="M12 5v14M6 13l6 6 6-6"/>',
    "send": '<path d="M12 19V5M6 11l6-6 6 6"/>',
    "stop": '<rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor" stroke="none"/>',
    "new": '<path d="M12 5v14M5 12h14"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="M16 16l4.5 4.5"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 8.5V6a1.5 1.5 0 0 0-1.5-1.5H6'
    'A1.5 1.5 0 0 0 4.5 6v8A1.5 1.5 0 0 0 6 15.5h2.5"/>',
    "link": '<path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1.2 1.2M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 '
    '11 18.7l1.2-1.2"/>',
    "why": '<circle cx="12" cy="12" r="8.5"/><path d="M9.7 9.6a2.4 2.4 0 1 1 3.5 2.2c-.9.5-1.2 1-1.2 1.9M12 16.8v.1"/>',
    "retry": '<path d="M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4"/>',
    "pin": '<path d="M9 4h6l-1 6 3 3H7l3-3zM12 13v7"/>',
}


def drawing(name: str) -> SafeString:
    """The icon's paths; KeyError for an icon that was never drawn."""
    return mark_safe(_PATHS[name])  # noqa: S308  (written above)
