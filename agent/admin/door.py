"""What every page of the desk stands on: who acts, what may be seen, how a page is shown and a refusal said."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Concatenate

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from agent.operations.history import show_history
from agent.operations.operator import Operator
from agent.operations.performing import consulting
from agent.operations.registering import Decided
from agent.templatetags.desk import when
from chat.errors import ChatError
from chat.read_only import ReadOnly

REFUSED = "admin/agent/refused.html"


def operator_of(request: HttpRequest) -> Operator:
    """Who is signed in, at this door."""
    assert request.user.is_authenticated  # noqa: S101  (the admin lets nobody else in)
    return Operator(user=request.user, channel="admin")


class DeskAdmin(ReadOnly):
    """Rows of the desk: seen by those with `act_to_see`, changed by operations alone."""

    act_to_see: ClassVar[str] = "view_desk"

    def has_view_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """As the operations decide it."""
        return request.user.is_authenticated and operator_of(request).may(self.act_to_see)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether it stands in lists of tables."""
        return self.has_view_permission(request)

    def row(self, request: HttpRequest, key: str) -> Any:
        """One of its rows. NotPermittedError before it is looked up; Http404."""
        # Django's own `get_object` asks for no permission.
        with consulting(operator_of(request), self.act_to_see):
            found = self.get_object(request, key)
        if found is None:
            raise Http404
        return found

    def page(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """A page of the desk."""
        return show(request, template, status=status, opts=self.opts, filters=self._filters(request), **context)

    def to(self, request: HttpRequest, name: str, *args: Any) -> str:
        """The address of a page of this admin; the list's filters go with it."""
        address = reverse(f"admin:agent_{name}", args=args)
        return add_preserved_filters({"preserved_filters": self._filters(request), "opts": self.opts}, address)

    def decided(self, request: HttpRequest, decided: Decided, said: str, *, address: str) -> HttpResponse:
        """Go on to a page, and say there what was done."""
        if decided.after.get("state") == "paused":
            said += " The lane is paused: nothing is tried before it is resumed."
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
        return refused(request, error, address=address, opts=self.opts)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was decided about it."""
        return history(self, request, object_id)

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


def moment_of(field: str, heading: str) -> Callable[[Any, Any], SafeString]:
    """A column of a list: a moment, as all pages show it."""

    @admin.display(description=heading, ordering=field)
    def shown(_: Any, row: Any) -> SafeString:
        return when(getattr(row, field), timezone.now())

    return shown


def history(page: admin.ModelAdmin[Any], request: HttpRequest, object_id: str) -> HttpResponse:
    """What operators decided about any row of any table."""
    try:
        found = show_history(page.get_queryset(request), object_id, by=operator_of(request))
    except ChatError as error:
        return refused(request, error, address=reverse("admin:index"))
    address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_change", args=[object_id])
    address = add_preserved_filters(
        {"preserved_filters": page.get_preserved_filters(request), "opts": page.opts}, address
    )
    title = f"What was decided about {found.name}"
    return show(request, "admin/agent/history.html", title=title, found=found, address=address, opts=page.opts)


def refused(request: HttpRequest, error: ChatError, **context: Any) -> HttpResponse:
    """Say why nothing was done, or cannot be shown."""
    return show(request, REFUSED, status=error.status, title=error.detail, error=error, **context)


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
