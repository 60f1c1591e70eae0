"""What every page of the Django admin here stands on: rows to be read, never written."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    # Generic for the type checker only.
    Base = admin.ModelAdmin


class ReadOnly(Base):
    """Rows that nobody adds, changes or deletes by hand."""

    show_full_result_count = False

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Only the writer appends."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Only the fold writes the story's tables."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nothing is ever lost."""
        return False
