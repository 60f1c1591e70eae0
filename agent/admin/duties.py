"""What the desk asks for now and then: judging drafted cautions, and the fire drill."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from agent.admin.acting import Form
from agent.admin.door import DeskAdmin, answering, history, operator_of
from agent.desk_models import Desk
from agent.operations.cautions import DeclineCaution, PromoteCaution, review_caution
from agent.operations.drill import StartDrill, start_drill
from agent.operations.overview import audiences, list_cautions

VERDICTS: dict[str, tuple[type[PromoteCaution | DeclineCaution], str]] = {
    "promote": (PromoteCaution, "It is promoted."),
    "decline": (DeclineCaution, "It is declined."),
}


@admin.register(Desk)
class DutiesAdmin(DeskAdmin):
    """Pages that no table stands behind."""

    def get_urls(self) -> list[URLPattern]:
        """Nothing but our own."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="agent_desk_changelist"),
            path("cautions/", view(self.cautions_view), name="agent_desk_cautions"),
            path("cautions/<int:caution>/<str:verdict>/", view(self.review_view), name="agent_desk_review"),
            path("history/<str:model>/<str:key>/", view(self.history_of_view), name="agent_desk_history"),
            path("drill/", view(self.drill_view), name="agent_desk_drill"),
        ]

    def history_of_view(self, request: HttpRequest, model: str, key: str) -> HttpResponse:
        """What was decided about a row of a table that is not of the desk."""
        try:
            page = admin.site.get_model_admin(apps.get_model(model))
        except (LookupError, ValueError, NotRegistered):
            raise Http404 from None
        return history(page, request, key)

    def has_module_permission(self, _request: HttpRequest) -> bool:
        """It is no table, and stands in no list of them."""
        return False

    def changelist_view(self, _request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The desk itself."""
        return HttpResponseRedirect(reverse("admin:index"))

    @answering
    def cautions_view(self, request: HttpRequest, form: Form | None = None, about: int = 0) -> HttpResponse:
        """The cautions that nobody has judged."""
        form, cautions = form or Form(asks=PromoteCaution), list_cautions(by=operator_of(request))
        return self.page(
            request,
            "admin/agent/cautions.html",
            status=form.status,
            title="Cautions to review",
            cautions=cautions,
            audiences=audiences(cautions),
            form=form,
            about=about,
            is_listed=any(one.id == about for one in cautions),
        )

    @answering
    def review_view(self, request: HttpRequest, caution: int, verdict: str) -> HttpResponse:
        """Promote or decline one."""
        if verdict not in VERDICTS:
            raise Http404
        command, said = VERDICTS[verdict]
        by, form = operator_of(request), Form.of(request, command)
        decided = form.carry_out(lambda: review_caution(command(caution_id=caution, **form.why), by=by))
        if decided is None:
            return self.cautions_view(request, form, caution)
        return self.decided(request, decided, said, address=reverse("admin:agent_desk_cautions"))

    @answering
    def drill_view(self, request: HttpRequest) -> HttpResponse:
        """Start a fire drill."""
        command, by = StartDrill(**Form.of(request, StartDrill).why), operator_of(request)
        said = "The drill has begun. Once its lane is wedged: find it, look at it, and dismiss its event."
        return self.at_once(request, lambda: start_drill(command, by=by), said, address=reverse("admin:index"))
