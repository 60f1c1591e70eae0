"""API tokens of one's own: made here, shown once, ended here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from agent.admin.acting import Form, number
from agent.admin.door import DeskAdmin, answering, moment_of, operator_of
from agent.desk_models import PERMISSIONS
from agent.models import ApiToken
from agent.operations.tokens import CreateToken, RevokeToken, create_token, revoke_token, tokens_of

DAYS = 90


@admin.register(ApiToken)
class TokenAdmin(DeskAdmin):
    """Tokens, the newest first."""

    act_to_see = "create_token"
    list_display = ("name", "hint", "user", "created", "expires", "last_used", "ended")
    created = moment_of("created_at", "Made")
    expires = moment_of("expires_at", "Good until")
    last_used = moment_of("last_used_at", "Last used")
    ended = moment_of("revoked_at", "Ended")
    list_select_related = ("user",)

    def get_urls(self) -> list[URLPattern]:
        """Ending one stands beside them."""
        view = self.admin_site.admin_view
        return [path("<int:pk>/revoke/", view(self.revoke_view), name="agent_apitoken_revoke"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """One's own; all for a superuser."""
        return tokens_of(operator_of(request).user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Made by our own page."""
        return self.has_view_permission(request)

    @answering
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Make one; it is shown on the answer and never again."""
        by, form, sent = operator_of(request), Form.of(request, CreateToken), request.POST
        context: dict[str, Any] = {
            "form": form,
            "name": sent.get("name", ""),
            "days": sent.get("days", DAYS),
            "chosen": sent.getlist("scopes"),
            "scopes": [(act, words) for act, words in PERMISSIONS if by.may(act)],
            "address": reverse("admin:agent_apitoken_changelist"),
        }
        command = CreateToken(
            name=context["name"], scopes=tuple(context["chosen"]), days=number(sent.get("days")), reason=form.reason
        )
        context["made"] = form.carry_out(lambda: create_token(command, by=by))
        return self.page(
            request, "admin/agent/token_new.html", status=form.status, title="Make an API token", **context
        )

    @answering
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One token, without its secret."""
        token = self.row(request, object_id)
        return self.page(
            request,
            "admin/agent/token.html",
            title=f"{token.name} ({token.hint}…)",
            token=token,
            revoke_url=reverse("admin:agent_apitoken_revoke", args=[token.pk]),
        )

    @answering
    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End it."""
        by, address = operator_of(request), reverse("admin:agent_apitoken_changelist")
        said = "The token is good for nothing any more."
        return self.at_once(request, lambda: revoke_token(RevokeToken(token_id=pk), by=by), said, address=address)
