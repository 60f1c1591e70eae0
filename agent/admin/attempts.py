"""Attempts: one by one as they were made, and the failures that lanes stand at, by fingerprint."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from agent.admin.acting import Form, number
from agent.admin.door import DeskAdmin, answering, moment_of, operator_of
from agent.models import Attempt
from agent.operations.fingerprints import (
    PACE,
    RetryAll,
    list_failures,
    newest_attempts,
    retry_all,
)
from agent.templatetags.desk import outcome


@admin.register(Attempt)
class AttemptAdmin(DeskAdmin):
    """What was tried, the newest first."""

    list_display = ("id", "how", "lane", "event", "error", "worker", "began", "duration_ms")
    list_filter = ("outcome", "failure")
    list_select_related = ("bookmark__stream",)
    search_fields = ("=event", "=fingerprint")
    ordering = ("-id",)
    began = moment_of("started_at", "Began")

    def get_urls(self) -> list[URLPattern]:
        """The failures stand beside them."""
        view = self.admin_site.admin_view
        return [
            path("failures/", view(self.failures_view), name="agent_attempt_failures"),
            path(
                "failures/<str:subscriber>/<str:fingerprint>/",
                view(self.retry_all_view),
                name="agent_retry_all",
            ),
            *super().get_urls(),
        ]

    @admin.display(description="Outcome", ordering="outcome")
    def how(self, attempt: Attempt) -> SafeString:
        """How it ended."""
        return outcome(attempt.outcome)

    @admin.display(description="Lane")
    def lane(self, attempt: Attempt) -> str:
        """Whose it was."""
        return f"{attempt.bookmark.subscriber_id} / {attempt.bookmark.stream.name}"

    @answering
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One attempt, with its stack."""
        attempt = self.row(request, object_id)
        lane_url = reverse("admin:agent_bookmark_change", args=[attempt.bookmark_id])
        return self.page(
            request, "admin/agent/attempt.html", title=f"Attempt {attempt.pk}", attempt=attempt, lane_url=lane_url
        )

    @answering
    def failures_view(self, request: HttpRequest) -> HttpResponse:
        """The failures that lanes stand at, and the newest attempts."""
        by = operator_of(request)
        failures, attempts = list_failures(by=by), newest_attempts(by=by)
        return self.page(request, "admin/agent/failures.html", title="Attempts", failures=failures, attempts=attempts)

    @answering
    def retry_all_view(self, request: HttpRequest, subscriber: str, fingerprint: str) -> HttpResponse:
        """Trying all lanes of one failure again: the count is asked back."""
        by, form, address = operator_of(request), Form.of(request, RetryAll), reverse("admin:agent_attempt_failures")
        command = RetryAll(
            subscriber=subscriber,
            fingerprint=fingerprint,
            expected_lanes=number(request.POST.get("expected_lanes")),
            **form.why,
        )
        decided = form.carry_out(lambda: retry_all(command, by=by))
        if decided is not None:
            lanes = "lane is" if len(decided) == 1 else "lanes are"
            return self.done(request, f"{len(decided)} {lanes} tried again, one after another.", address=address)
        found = [one for one in list_failures(by=by) if (one.subscriber, one.fingerprint) == (subscriber, fingerprint)]
        return self.page(
            request,
            "admin/agent/retry_all.html",
            status=form.status,
            title="Retry all lanes of one failure",
            failure=found[0] if found else None,
            form=form,
            address=address,
            pace=PACE.total_seconds(),
        )
