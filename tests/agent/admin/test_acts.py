"""Acting from the desk's pages: the operations do it, stale pages do nothing, a double press is one Decision."""

import json
import re

import pytest
from django.urls import reverse

from agent.models import Attempt, AuditEntry, DismissedEvent
from agent.operations.cautions import PromoteCaution, review_caution
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.retry import RetryLane, retry_lane
from tests.agent.admin.conftest import desk, hidden, text
from tests.agent.operations.conftest import draft_caution, operator

pytestmark = pytest.mark.django_db(transaction=True)
DISMISS = "agent_lane_dismiss"


def decisions() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("act", "channel", "reason"))


def test_the_dismiss_page_says_what_will_happen_and_does_it(anna, stuck):
    page = anna.get(DISMISS, "noter", stuck.stream)
    said = text(page)
    assert f"Dismiss event {stuck.poison}" in said
    assert "Whatever this Reaction does because of such an event." in said
    assert f"Next, at once Event {stuck.after[0]}, then 1 more" in said
    assert "checked" not in page.content.decode().split("<fieldset")[1].split("</fieldset")[0]
    assert len(page.content) < 100_000

    assert "Preset (optional) The text cannot be read Duplicate" in said
    assert "Out of character" not in said
    assert "Reason (required, up to 2,000 characters)" in said

    done = anna.post(DISMISS, "noter", stuck.stream, reason=" Cannot be read ", preset="unreadable", **hidden(page))

    assert done.status_code == 302
    assert stuck.lane.position == stuck.poison
    assert decisions() == [("dismiss_event", "admin", "Cannot be read")]
    assert "is on record as decision" in text(anna.client.get(done["Location"], follow=True))


def test_a_double_press_is_one_decision(anna, stuck):
    sent = {"reason": "Twice", **anna.fields(DISMISS, "noter", stuck.stream)}

    assert [anna.post(DISMISS, "noter", stuck.stream, **sent).status_code for _ in range(2)] == [302, 302]
    assert len(decisions()) == 1


def test_without_a_reason_nothing_is_done_and_the_page_asks_for_it(anna, stuck):
    refused = anna.post(
        DISMISS, "noter", stuck.stream, reason=" ", preset="test", **anna.fields(DISMISS, "noter", stuck.stream)
    )

    assert refused.status_code == 400
    assert "Give a reason" in text(refused)
    assert 'value="test" checked' in " ".join(refused.content.decode().split())
    assert decisions() == []


def test_a_page_of_a_lane_that_was_tried_again_since_changes_nothing(anna, stuck):
    sent = {"reason": "My long thought", **anna.fields(DISMISS, "noter", stuck.stream)}
    retry_lane(RetryLane(subscriber="noter", stream=stuck.stream), by=operator("retry_lane", name="ben"))

    stale = anna.post(DISMISS, "noter", stuck.stream, **sent)

    assert stale.status_code == 409
    assert "This changed while you were looking" in text(stale)
    assert re.search(r"ben, \d+ s ago, retry_lane", text(stale))
    assert "My long thought" in text(stale)
    assert [act for act, _, _ in decisions()] == ["retry_lane"]
    assert anna.post(DISMISS, "noter", stuck.stream, **sent | hidden(stale)).status_code == 302


def test_an_event_that_somebody_else_dismissed_is_said_and_what_was_typed_is_kept(anna, stuck):
    sent = {"reason": "My long thought", **anna.fields(DISMISS, "noter", stuck.stream)}
    ben = operator("dismiss_event", name="ben")
    dismiss_event(DismissEvent(reaction="noter", event_id=stuck.poison, reason="Mine"), by=ben)

    stale = anna.post(DISMISS, "noter", stuck.stream, **sent)

    assert stale.status_code == 409
    assert f"of event {stuck.poison}: “Mine”" in text(stale)
    assert "What you had typed My long thought" in text(stale)
    assert len(decisions()) == 1


def test_who_may_not_is_refused_by_the_operation(stuck):
    eve = desk("view_desk", name="eve")
    assert "to-dismiss" not in eve.get("agent_bookmark_change", stuck.lane.pk).content.decode()

    refused = eve.post(DISMISS, "noter", stuck.stream, reason="I want to", event_id=stuck.poison)

    assert refused.status_code == 403
    assert stuck.lane.wedged_at is not None


def test_retry_pause_and_resume_from_the_lane(anna, stuck):
    page, lane = stuck.lane.pk, ("noter", stuck.stream)
    anna.post("agent_lane_retry", *lane, **anna.fields("agent_bookmark_change", page))
    assert stuck.lane.wedged_at is None
    assert anna.post("agent_lane_pause", *lane, reason="", key="a").status_code == 400
    anna.post("agent_lane_pause", *lane, reason="On trial", key="b")
    assert re.search(r"by anna for \d+ s: On trial", text(anna.get("agent_bookmark_change", page)))
    anna.post("agent_lane_resume", *lane, key="c")

    assert [act for act, _, _ in decisions()] == ["retry_lane", "pause_subscriber", "resume_subscriber"]


def test_a_subscriber_is_paused_and_resumed_and_its_filters_survive(anna, stuck):
    address = reverse("admin:agent_subscriber_pause", args=["noter"]) + "?_changelist_filters=kind%3Dreaction"

    done = anna.client.post(address, {"reason": "New prompt", "key": "a"})

    assert done["Location"].endswith("?_changelist_filters=kind%3Dreaction")
    assert "noter is paused by anna" in text(anna.get("index"))
    anna.post("agent_subscriber_resume", "noter", key="b")
    assert "anna" in text(anna.get("agent_subscriber_history", "noter"))
    assert [reason for *_, reason in decisions()] == ["New prompt", ""]


def test_the_action_on_the_list_leads_to_the_form_and_each_lane_gets_its_decision(anna, stuck):
    chosen = anna.post("agent_bookmark_changelist", action="dismiss_next", _selected_action=[stuck.lane.pk])
    form = anna.client.get(chosen["Location"])
    assert f"{stuck.poison} user_turn" in text(form)

    refused = anna.client.post(chosen["Location"], {"reason": "", **hidden(form)})
    assert refused.status_code == 400
    sent = {"reason": "Both", **hidden(form)}
    done = [anna.client.post(chosen["Location"], sent) for _ in range(2)]

    assert "Done: decision" in text(done[0])
    assert "Done: decision" in text(done[1])
    assert decisions() == [("dismiss_event", "admin", "Both")]
    assert stuck.lane.position == stuck.poison


def test_all_lanes_of_one_failure_are_tried_again_when_the_count_is_right(anna, stuck):
    assert "Retry 1…" in text(anna.get("agent_attempt_failures"))
    which = ("agent_retry_all", "noter", "f1")
    assert anna.post(*which, expected_lanes="2", key="k").status_code == 409
    assert stuck.lane.wedged_at is not None

    assert anna.post(*which, expected_lanes="1", reason="The model is back", key="k").status_code == 302

    assert stuck.lane.wedged_at is None
    assert decisions() == [("retry_lane", "admin", "The model is back")]


def test_the_audit_is_searched_read_and_exported_as_filtered(anna, stuck):
    anna.post(DISMISS, "noter", stuck.stream, reason="=A formula", **anna.fields(DISMISS, "noter", stuck.stream))
    anna.post("agent_lane_pause", "noter", stuck.stream, reason="On trial", key="b")

    found = text(anna.get("agent_auditentry_changelist", q="formula"))
    assert "=A formula" in found
    assert "On trial" not in found
    entry = AuditEntry.objects.earliest("pk")
    decision = text(anna.get("agent_auditentry_change", entry.pk))
    assert f"noter/{stuck.stream} #{stuck.poison}" in decision
    assert "State Wedged Behind" in decision
    assert f"Next event Event {stuck.poison} Event {stuck.after[0]}" in decision
    assert "Why it is stuck Our own code fails on it –" in decision
    history = text(anna.get("agent_bookmark_history", stuck.lane.pk))
    assert "On trial" in history

    exported = b"".join(anna.client.get(reverse("admin:agent_auditentry_export", args=["jsonl"]) + "?q=formula"))
    assert json.loads(exported)["reason"] == "=A formula"
    table = b"".join(anna.client.get(reverse("admin:agent_auditentry_export", args=["csv"]) + "?q=formula")).decode()
    assert "'=A formula" in table


def test_the_history_of_an_event_that_was_skipped_with_another_has_its_dismissal(stuck):
    skipping = DismissEvent(reaction="noter", event_id=stuck.after[0], expected_skipped=1, reason="Both are empty")
    dismiss_event(skipping, by=operator("dismiss_event"))
    auditor = desk("view_desk", "view_audit")

    for event in (stuck.poison, stuck.after[0]):
        row = DismissedEvent.objects.get(event=event).pk
        assert "Both are empty" in text(auditor.get("agent_dismissedevent_history", row)), event


def test_the_history_of_every_thing_is_what_was_decided_about_it(stuck):
    skipping = DismissEvent(reaction="noter", event_id=stuck.poison, reason="It is empty")
    dismiss_event(skipping, by=operator("dismiss_event"))
    drafted = draft_caution(stuck.chat, stuck.after[-1])
    other = draft_caution(stuck.chat, stuck.after[-1])
    review_caution(PromoteCaution(caution_id=drafted, reason="She must not"), by=operator("promote_caution"))
    auditor = desk("view_audit")
    about_the_event = [
        ("agent_bookmark", stuck.lane.pk),
        ("agent_subscriber", "noter"),
        ("agent_attempt", Attempt.objects.latest("pk").pk),
        ("agent_dismissedevent", DismissedEvent.objects.get().pk),
        ("chat_turn", stuck.poison),
        ("chat_event", stuck.poison),
        ("chat_chat", stuck.chat.id),
        ("chat_stream", stuck.lane.stream_id),
    ]

    for page, key in about_the_event:
        answer = auditor.client.get(reverse(f"admin:{page}_history", args=[key]), follow=True)
        assert "It is empty" in text(answer), page
    history = auditor.client.get(reverse("admin:chat_decision_history", args=[drafted]), follow=True)
    assert "She must not" in text(history)
    assert "It is empty" not in text(history)
    assert "Nothing yet" in text(auditor.client.get(reverse("admin:chat_decision_history", args=[other]), follow=True))


@pytest.mark.parametrize(
    ("page", "key"),
    [
        ("agent_dismissedevent", 1),
        ("agent_bookmark", 1),
        ("chat_event", 1),
        ("chat_chat", "x"),
        ("chat_turn", "²"),
    ],
)
def test_who_may_not_read_the_audit_does_not_learn_what_there_is(stuck, page, key):
    viewer = desk("view_desk")

    answer = viewer.client.get(reverse(f"admin:{page}_history", args=[key]), follow=True)

    assert (answer.status_code, 'data-problem="not-permitted"' in answer.content.decode()) == (403, True)


def test_an_attempt_shows_its_stack(anna, stuck):
    Attempt.objects.update(traceback="File reader.py, line 7", error="ValueError", message="cannot")
    attempt = Attempt.objects.latest("pk")

    assert "File reader.py, line 7" in text(anna.get("agent_attempt_change", attempt.pk))


def test_a_projection_is_rebuilt_and_a_dismissal_taken_back_only_with_a_reason(stuck):
    senior = desk("view_desk", "dismiss_event", "rebuild_projection", "redeliver_event")
    assert "Rebuild…" in text(senior.get("agent_subscriber_change", "counter"))
    assert senior.post("agent_subscriber_rebuild", "counter", reason=" ", key="a").status_code == 400
    assert senior.post("agent_subscriber_rebuild", "noter", reason="Why not", key="a").status_code == 404
    senior.post(DISMISS, "noter", stuck.stream, reason="Gone", **senior.fields(DISMISS, "noter", stuck.stream))
    row = DismissedEvent.objects.get().pk

    auditor = desk("view_desk", "view_audit")
    assert "Gone" in text(auditor.get("agent_dismissedevent_history", row))
    assert senior.post("agent_dismissedevent_change", row, reason="", key="b").status_code == 400
    late = senior.post("agent_dismissedevent_change", row, reason="After all", key="b")

    assert (late.status_code, "does not accept late events" in text(late)) == (409, True)
    assert [act for act, _, _ in decisions()] == ["dismiss_event"]


def test_the_page_of_a_lane_leads_to_what_was_dismissed_there_and_that_page_says_whether_it_can_be_taken_back(stuck):
    senior = desk("view_desk", "dismiss_event", "redeliver_event")
    assert "Dismissed here" not in text(senior.get("agent_bookmark_change", stuck.lane.pk))
    senior.post(DISMISS, "noter", stuck.stream, reason="Gone", **senior.fields(DISMISS, "noter", stuck.stream))

    lane = senior.get("agent_bookmark_change", stuck.lane.pk)
    row = DismissedEvent.objects.get()
    assert f"Dismissed here event {row.event}" in text(lane)
    page = reverse("admin:agent_dismissedevent_change", args=[row.pk])
    assert f'<a href="{page}"' in lane.content.decode()

    assert "It does not accept late events" in text(senior.client.get(page))
    assert "Redeliver event" not in text(senior.client.get(page))


def test_a_dismissed_event_says_who_spared_it_and_why_to_those_who_may_read_the_audit_and_leads_to_its_lane(stuck):
    skipping = DismissEvent(reaction="noter", event_id=stuck.poison, reason="It is empty")
    dismiss_event(skipping, by=operator("dismiss_event"))
    row = DismissedEvent.objects.get().pk
    lane = reverse("admin:agent_lane", args=["noter", stuck.stream])

    auditor = desk("view_desk", "view_audit")
    page = auditor.get("agent_dismissedevent_change", row)
    assert "It is empty" in text(page)
    assert f'<a href="{lane}">' in page.content.decode()
    assert "It is empty" in text(auditor.get("agent_dismissedevent_changelist"))

    viewer = desk("view_desk")
    for seen in (viewer.get("agent_dismissedevent_change", row), viewer.get("agent_dismissedevent_changelist")):
        assert seen.status_code == 200
        assert "It is empty" not in text(seen)
