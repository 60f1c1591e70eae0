"""The desk's pages: what they say, whom they let in, and that nobody changes a row by hand."""

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from agent import models
from agent.models import Attempt, Bookmark, Subscriber
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.operator import Operator
from agent.operations.tokens import operator_with
from chat.log.models import Event
from tests.agent.admin.conftest import OPERATES, Desk, desk, hidden, text
from tests.agent.operations.conftest import draft_caution, operator

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_first_page_says_what_is_stuck_and_leads_to_it(anna, stuck):
    page = anna.get("index")

    assert "1 lane is wedged, for" in text(page)
    assert reverse("admin:agent_bookmark_change", args=[stuck.lane.pk]) in page.content.decode()
    assert "▲ Wedged noter reaction 3 events" in text(page)
    assert "Start a fire drill" not in text(page)


def test_the_first_page_says_that_all_is_well_and_offers_a_drill(anna, stuck):
    Bookmark.objects.update(wedged_at=None, fingerprint="", position=stuck.after[-1], due_at=None)

    said = text(anna.get("index"))

    assert f"head {Event.objects.latest('position').position:,}" in said
    assert "Start a fire drill" in said
    anna.post("agent_desk_drill", key="once")
    assert Event.objects.filter(kind="drill_started").count() == 1
    assert "Start a fire drill" not in text(anna.get("index")), "none beside another, before any worker has seen it"


def test_the_database_without_its_tables_is_said_on_the_first_page(anna):
    from django.db import connection  # noqa: PLC0415

    with connection.schema_editor() as editor:
        editor.alter_db_table(Bookmark, "agent_bookmark", "agent_bookmark_away")
    try:
        assert "Run manage.py migrate" in text(anna.get("index"))
        assert anna.get("agent_subscriber_changelist").status_code == 503
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(Bookmark, "agent_bookmark_away", "agent_bookmark")


def test_subscribers_stand_worst_first_and_are_filtered_by_the_address(anna):
    said = text(anna.get("agent_subscriber_changelist"))
    assert said.index("noter") < said.index("counter")

    chosen = text(anna.get("agent_subscriber_changelist", state="wedged"))
    assert "noter" in chosen
    assert "counter" not in chosen


def test_a_lane_says_what_failed_and_masks_what_the_event_says(anna, stuck):
    page = text(anna.get("agent_bookmark_change", stuck.lane.pk))

    assert f"before event {stuck.poison}: our own code fails on it" in page
    assert "2 events:" in page
    assert "(6 characters)" in page
    assert "poison" not in page
    assert anna.get("agent_bookmark_change", stuck.lane.pk, reveal=1).status_code == 403

    cleo = desk("view_desk", "reveal_payload")
    assert '"text": "poison"' in text(cleo.get("agent_bookmark_change", stuck.lane.pk, reveal=1))


def test_a_lane_that_is_not_there_is_a_page_that_says_so(anna):
    answer = anna.get("agent_lane", "noter", "chat-999999")

    assert answer.status_code == 404
    assert "There is no such lane" in text(answer)


def test_who_has_a_stuck_chat_and_operates_gets_to_the_lane_and_back(anna, stuck, client):
    from django.contrib.auth.models import User  # noqa: PLC0415

    User.objects.filter(pk=stuck.chat.owner_id).update(is_staff=True, is_superuser=True)
    owner = User.objects.get(pk=stuck.chat.owner_id)
    client.force_login(owner)
    line = client.get(f"/agent/chats/{stuck.chat.id}/reading/line/").content.decode()
    there = reverse("admin:agent_lane", args=["noter", stuck.stream])
    assert there in line

    page = client.get(there, follow=True)

    assert reverse("chat", args=[stuck.chat.id]) in page.content.decode()
    User.objects.filter(pk=owner.pk).update(is_staff=False, is_superuser=False)
    assert there not in client.get(f"/agent/chats/{stuck.chat.id}/reading/line/").content.decode()


PAGES = [
    "agent_subscriber_changelist",
    "agent_bookmark_changelist",
    "agent_attempt_changelist",
    "agent_attempt_failures",
    "agent_auditentry_changelist",
    "agent_refusal_changelist",
    "agent_apitoken_changelist",
    "agent_desk_cautions",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_for_those_who_may(stuck, page):
    eve = desk()

    assert eve.get(page).status_code == 403
    assert desk(*OPERATES).get(page).status_code == 200


def test_one_row_is_for_those_who_may_whether_it_is_there_or_not(stuck):
    anna, eve, attempt = desk(*OPERATES), desk(), Attempt.objects.latest("id")
    dismissal = DismissEvent(reaction="noter", event_id=stuck.poison, reason="Cannot be read")
    decided = dismiss_event(dismissal, by=operator("dismiss_event"))
    rows = {
        "agent_attempt_change": attempt.pk,
        "agent_auditentry_change": decided.decision_id,
        "agent_bookmark_change": stuck.lane.pk,
        "agent_dismissedevent_change": models.DismissedEvent.objects.get().pk,
        "agent_subscriber_change": "noter",
    }

    for page, row in rows.items():
        assert [eve.get(page, which).status_code for which in (row, 10**12)] == [403, 403], page
        assert [anna.get(page, which).status_code for which in (row, 10**12)] == [200, 404], page
    assert [eve.get("agent_lane", "noter", one).status_code for one in (stuck.stream, "chat-0")] == [403, 403]
    assert models.Refusal.objects.filter(principal_name=eve.user.username, status=403).count() == 12


def test_ones_own_token_is_shown_while_one_may_have_any(stuck):
    anna, eve, at = desk("create_token", name="anna"), desk(name="eve"), timezone.now()
    for one in (anna, eve):
        models.ApiToken.objects.create(
            user=one.user, name="laptop", digest=one.user.username, scopes=[], created_at=at, expires_at=at
        )

    def shown(to: Desk, whose: Desk) -> int:
        return to.get("agent_apitoken_change", models.ApiToken.objects.get(user=whose.user).pk).status_code

    assert (shown(anna, anna), shown(anna, eve), shown(eve, eve)) == (200, 404, 403)


def test_the_history_of_a_token_is_its_making_and_its_end(stuck):
    anna, eve = desk("create_token", "view_audit", name="anna"), desk("create_token", name="eve")
    for one in (anna, anna, eve):
        one.post("agent_apitoken_add", name="laptop", days="30", scopes=["create_token"])
    row = models.ApiToken.objects.filter(user=anna.user).earliest("id")
    anna.post("agent_apitoken_revoke", row.pk)
    made, _, _, ended = models.AuditEntry.objects.order_by("decision_id").values_list("decision_id", flat=True)

    page = anna.get("agent_apitoken_history", row.pk)

    assert [one.decision_id for one in page.context["found"].decisions] == [ended, made]
    assert "What was decided about the token “laptop”" in text(page)
    assert 'id="to-history"' in anna.get("agent_apitoken_change", row.pk).content.decode()
    of_eve = models.ApiToken.objects.get(user=eve.user).pk
    assert 'id="to-history"' not in eve.get("agent_apitoken_change", of_eve).content.decode()


def test_what_nobody_decides_about_leads_to_no_history(stuck, admin_client):
    at = timezone.now()
    desk().get("agent_attempt_change", 1)
    rows = {
        "refusal": models.Refusal.objects.latest("id"),
        "alertsent": models.AlertSent.objects.create(fingerprint="f1", sent_at=at),
        "suspendedendpoint": models.SuspendedEndpoint.objects.create(
            name="a model", reason="no credit", suspended_at=at, probe_at=at
        ),
        "searchedturn": models.SearchedTurn.objects.create(epoch=0, chat=1, turn=1, text="Hello"),
        "dayofchat": models.DayOfChat.objects.create(epoch=0, chat=1, day=at.date(), said=1, replies=0),
    }

    for name, row in rows.items():
        page = admin_client.get(reverse(f"admin:agent_{name}_change", args=[row.pk]))
        assert (page.status_code, "history" in page.content.decode().lower()) == (200, False), name


def test_who_may_not_see_the_desk_does_not_learn_what_a_stuck_chat_is_called(stuck):
    eve = desk("dismiss_event")

    page = eve.get("agent_lane_dismiss", "noter", stuck.stream, event=stuck.poison)

    assert (page.status_code, "Night watch" in text(page)) == (403, False)
    assert "Night watch" in text(desk("view_desk").get("agent_lane_dismiss", "noter", stuck.stream))


def test_every_list_is_called_after_what_it_lists(stuck, admin_client):
    lists = [model for model in admin.site._registry if model._meta.app_label in {"chat", "agent"}]
    called = {}
    for model in lists:
        page = admin_client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        if page.status_code == 200:
            called[model.__name__] = page.context["title"]

    assert len(called) == len(lists) - 1, "the desk itself is no list"
    assert [title for title in called.values() if "Select" in title] == []
    assert {
        name: called[name] for name in ("Memory", "Bookmark", "DayOfChat", "ApiToken", "AlertSent", "StoryEvent")
    } == {
        "Memory": "Memories",
        "Bookmark": "Lanes",
        "DayOfChat": "Days of chats",
        "ApiToken": "API tokens",
        "AlertSent": "Alerts",
        "StoryEvent": "Story events",
    }


def test_nobody_adds_changes_or_deletes_what_is_on_record(stuck, rf, admin_user):
    request = rf.get("/")
    request.user = admin_user

    for model in (
        models.Bookmark,
        Attempt,
        models.AuditEntry,
        models.Refusal,
        Subscriber,
        Event,
        models.DismissedEvent,
    ):
        page = admin.site._registry[model]
        assert not page.has_add_permission(request), model
        assert not page.has_change_permission(request), model
        assert not page.has_delete_permission(request), model
    assert "delete_selected" not in admin.site._registry[models.Bookmark].get_actions(request)


def test_a_caution_says_for_whom_it_is_and_is_judged_in_place(stuck):
    drafted = draft_caution(stuck.chat, stuck.after[-1])
    anna = desk("view_desk", "promote_caution", "decline_caution")
    page = anna.get("agent_desk_cautions")
    assert "For Ilse, in “Night watch”" in text(page)
    assert "Mara does not know." in text(page)

    refused = anna.post("agent_desk_review", drafted, "promote", reason="x" * 2001)
    done = anna.post("agent_desk_review", drafted, "decline", reason="It gives it away", **hidden(page))

    assert refused.status_code == 400
    assert "x" * 2001 in refused.content.decode(), "what was typed is kept"
    assert "It is declined. It is on record" in text(anna.client.get(done["Location"]))
    assert "No caution waits" in text(anna.get("agent_desk_cautions"))


def test_a_caution_that_is_gone_is_said(anna):
    gone = desk("view_desk", "promote_caution").post("agent_desk_review", 10**12, "promote")

    assert gone.status_code == 404
    assert 'data-problem="no-such-caution"' in gone.content.decode()


def test_a_token_is_shown_once_and_is_good(anna):
    made = anna.post("agent_apitoken_add", name="laptop", days="30", scopes=["view_desk"])
    secret = text(made).split("pal_")[1].split()[0]

    by: Operator = operator_with(f"pal_{secret}", channel="api", now=timezone.now())
    assert (by.user, by.scopes) == (anna.user, {"view_desk"})
    row = models.ApiToken.objects.get()
    assert secret not in text(anna.get("agent_apitoken_change", row.pk))
    anna.post("agent_apitoken_revoke", row.pk)
    row.refresh_from_db()
    assert row.revoked_at is not None
