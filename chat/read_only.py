"""What every page of the Django admin here stands on: rows to be read, never written."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    # Generic for the type checker only.
    Base = admin.ModelAdmin


class ReadOnly(Base):
    """Rows that nobody adds, changes or deletes by hand."""

    show_full_result_count = False
    # Counting what each filter would find takes a query over all rows for each.
    show_facets = admin.ShowFacets.NEVER
    empty_value_display = ""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, called after what it lists: there is nothing to select it for."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def history_view(
        self, _request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What operators decided about it: the operators' desk knows."""
        return redirect("admin:agent_desk_history", self.opts.label_lower, object_id)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Only the writer appends."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Only the fold writes the story's tables."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nothing is ever lost."""
        return False
