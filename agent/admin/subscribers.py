"""Subscribers: the list, worst first, and one with its lanes that want looking at."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from agent.admin.acting import Form, new_key
from agent.admin.door import DeskAdmin, answering, operator_of
from agent.models import Subscriber
from agent.operations.desk import list_lanes, list_subscribers
from agent.operations.lane import State
from agent.operations.overview import pulses
from agent.operations.pause import Pause, Resume, pause, resume
from agent.operations.rebuild import RebuildProjection, rebuild_projection
from agent.operations.shown import SubscriberView

STATES = ("wedged", "backing off", "paused", "behind", "live")
KINDS = ("reaction", "projection")
#: Lanes of each state that are shown beside a subscriber.
SHOWN = 20
TROUBLED: tuple[State, ...] = ("wedged", "paused", "backing off", "running", "behind")


@admin.register(Subscriber)
class SubscriberAdmin(DeskAdmin):
    """The subscribers."""

    def get_urls(self) -> list[URLPattern]:
        """Its acts stand beside its pages."""
        view = self.admin_site.admin_view
        return [
            path("<str:name>/pause/", view(self.pause_view), name="agent_subscriber_pause"),
            path("<str:name>/rebuild/", view(self.rebuild_view), name="agent_subscriber_rebuild"),
            path("<str:name>/resume/", view(self.resume_view), name="agent_subscriber_resume"),
            *super().get_urls(),
        ]

    @answering
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; `state` and `kind` in the address choose among them."""
        by = operator_of(request)
        found = list_subscribers(by=by)
        chosen = {name: request.GET.get(name, "") for name in ("state", "kind")}
        shown = [
            one for one in found if chosen["state"] in {"", one.state} and chosen["kind"] in {"", one.standing.kind}
        ]
        return self.page(
            request,
            "admin/agent/subscribers.html",
            title="Subscribers",
            subscribers=shown,
            all=len(found),
            chosen=chosen,
            states=STATES,
            kinds=KINDS,
            pulses=pulses(by=by),
        )

    @answering
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One subscriber, with the lanes that want looking at."""
        by, view = operator_of(request), self._view(request, object_id)
        lanes = [lane for state in TROUBLED for lane in list_lanes(object_id, state=state, limit=SHOWN, by=by)]
        return self.page(
            request,
            "admin/agent/subscriber.html",
            title=object_id,
            subscriber=view,
            lanes=lanes,
            pulse=pulses(by=by).get(object_id),
            key=new_key(),
            pause_url=self.to(request, "subscriber_pause", object_id),
            rebuild_url=self.to(request, "subscriber_rebuild", object_id),
            resume_url=self.to(request, "subscriber_resume", object_id),
        )

    @answering
    def pause_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Pausing all its lanes, with a reason."""
        by, form, address = operator_of(request), Form.of(request, Pause), self.to(request, "subscriber_change", name)
        decided = form.carry_out(lambda: pause(Pause(subscriber=name, **form.why), by=by))
        if decided:
            return self.decided(request, decided, f"{name} is paused.", address=address)
        return self.page(
            request,
            "admin/agent/pause.html",
            status=form.status,
            title=f"Pause {name}",
            form=form,
            address=address,
        )

    @answering
    def rebuild_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Having a worker write a projection's rows anew, with a reason."""
        by, form = operator_of(request), Form.of(request, RebuildProjection)
        address = self.to(request, "subscriber_change", name)
        command = RebuildProjection(projection=name, restart="restart" in request.POST, **form.why)
        decided = form.carry_out(lambda: rebuild_projection(command, by=by, here=False))
        if decided:
            return self.decided(request, decided, f"{name} is being rebuilt.", address=address)
        template, title = "admin/agent/rebuild.html", f"Rebuild {name}"
        return self.page(request, template, status=form.status, title=title, form=form, address=address)

    @answering
    def resume_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Let it go on."""
        by, command = operator_of(request), Resume(subscriber=name, **Form.of(request, Resume).why)
        address = self.to(request, "subscriber_change", name)
        return self.at_once(request, lambda: resume(command, by=by), f"{name} goes on.", address=address)

    def _view(self, request: HttpRequest, name: str) -> SubscriberView:
        view = next((one for one in list_subscribers(by=operator_of(request)) if one.standing.name == name), None)
        if view is None:
            raise Http404
        return view
