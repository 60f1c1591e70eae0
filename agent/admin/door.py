"""What every page of the desk stands on: who acts, what may be seen, how a page is shown and a refusal said."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Concatenate

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from agent.operations.audit import Sought, list_decisions
from agent.operations.operator import Operator
from agent.operations.registering import Decided
from chat.errors import ChatError
from chat.read_only import ReadOnly

REFUSED = "admin/agent/refused.html"
#: Decisions on a History page.
SHOWN = 100


def operator_of(request: HttpRequest) -> Operator:
    """Who is signed in, at this door."""
    assert request.user.is_authenticated  # noqa: S101  (the admin lets nobody else in)
    return Operator(user=request.user, channel="admin")


class DeskAdmin(ReadOnly):
    """Rows of the desk: seen by those with `act_to_see`, changed by operations alone."""

    act_to_see: ClassVar[str] = "view_desk"
    object_history_template = "admin/agent/history.html"

    def has_view_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """As the operations decide it."""
        return request.user.is_authenticated and operator_of(request).may(self.act_to_see)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether it stands in lists of tables."""
        return self.has_view_permission(request)

    def page(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """A page of the desk."""
        return show(request, template, status=status, opts=self.opts, filters=self._filters(request), **context)

    def to(self, request: HttpRequest, name: str, *args: Any) -> str:
        """The address of a page of this admin; the list's filters go with it."""
        address = reverse(f"admin:agent_{name}", args=args)
        return add_preserved_filters({"preserved_filters": self._filters(request), "opts": self.opts}, address)

    def decided(self, request: HttpRequest, decided: Decided, said: str, *, address: str) -> HttpResponse:
        """Go on to a page, and say there what was done."""
        messages.success(request, f"{said} It is on record as decision {decided.decision_id}.")
        return HttpResponseRedirect(address)

    def done(self, request: HttpRequest, said: str, *, address: str) -> HttpResponse:
        """Go on to a page, and say there what was done, by more than one Decision."""
        messages.success(request, f"{said} Each is on record.")
        return HttpResponseRedirect(address)

    def at_once(self, request: HttpRequest, act: Callable[[], Decided], said: str, *, address: str) -> HttpResponse:
        """Do what a button asks for with no form in between, and go on; an address that is typed does nothing."""
        if request.method != "POST":
            return HttpResponseRedirect(address)
        try:
            decided = act()
        except ChatError as error:
            return self.refused(request, error, address=address)
        return self.decided(request, decided, said, address=address)

    def refused(self, request: HttpRequest, error: ChatError, *, address: str) -> HttpResponse:
        """Say why nothing was done, and lead back."""
        return self.page(request, REFUSED, status=error.status, title=error.detail, error=error, address=address)

    def history_of(self, request: HttpRequest, sought: Sought, **context: Any) -> HttpResponse:
        """The Decisions about a thing."""
        decisions = list_decisions(sought, limit=SHOWN, by=operator_of(request))
        return self.page(request, "admin/agent/history.html", decisions=decisions, sought=sought, **context)

    def _filters(self, request: HttpRequest) -> str:
        filters: str = self.get_preserved_filters(request)
        return filters


def answering[A: DeskAdmin, **P, R: HttpResponseBase](
    view: Callable[Concatenate[A, HttpRequest, P], R],
) -> Callable[Concatenate[A, HttpRequest, P], R | HttpResponse]:
    """A view whose refusals are pages."""

    @wraps(view)
    def answer(self: A, request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        try:
            return view(self, request, *args, **kwargs)
        except ChatError as error:
            return self.refused(request, error, address=reverse("admin:index"))

    return answer


def show(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page of the desk that no table stands behind."""
    said = {**admin.site.each_context(request), "may": _May(operator_of(request)), "now": timezone.now(), **context}
    return TemplateResponse(request, template, said, status=status)


class _May:
    """`may.dismiss_event` in a template."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def __getitem__(self, act: str) -> bool:
        return self._operator.may(act)
