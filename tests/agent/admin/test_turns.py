"""The pages of turns at the desk: whom they let in, what they lead to, and what they say."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agent.models import AuditEntry
from agent.operations.restore import RestoreTurn, restore_turn
from agent.templatetags.desk import SHAPES
from chat.story.fact_payloads import EventStarted
from chat.story.models import Chat
from chat.turns import chats, claims, rewriting
from chat.turns.models import Generation
from tests.agent.admin.conftest import desk, text
from tests.agent.operations.conftest import operator
from tests.factories import make_chat, owner_of, say
from tests.facts import moved, planned, regenerate, reply

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(transactional_db) -> Chat:
    return make_chat()


@pytest.fixture
def turn(chat) -> int:
    said = reply(chat, "Mara", "“I open it.”", group=say(chat, "Mara?"))
    moved(chat, EventStarted, planned(chat), said)
    return said


@pytest.fixture
def anna(transactional_db):
    return desk("view_desk", "view_audit", "regenerate_turn", "restore_turn", name="anna")


def test_the_action_takes_one_turn_to_its_form(anna, chat, turn):
    other = chat.turns.exclude(id=turn).get().id
    chosen = {"action": "regenerate", "_selected_action": [turn]}

    led = anna.post("chat_turn_changelist", **chosen)
    both = anna.post("chat_turn_changelist", **chosen | {"_selected_action": [turn, other]})

    assert led["Location"].endswith(f"/chat/turn/{turn}/regenerate/")
    assert "Choose one turn" in text(anna.client.get(both["Location"]))


def test_a_turn_is_called_by_its_number_in_the_story_everywhere(anna, chat, turn):
    new = regenerate(chat, turn, "“I burn it.”")
    say(make_chat(), "Elsewhere.")

    listed = text(anna.get("chat_turn_changelist", chat__id__exact=chat.id))
    assert "Turn 2 “I burn it.” Mara Night watch ● Live" in listed
    assert "Turn 2 “I open it.” Mara Night watch ○ Superseded" in listed
    assert "Turn 1 Mara?" in listed
    assert "Elsewhere" not in listed
    standing = text(anna.get("chat_turn_change", new))
    assert "Turn 2 of “Night watch”" in standing
    assert f"Event {new}" in standing
    old = text(anna.get("chat_turn_change", turn))
    assert "○ Superseded by writing 2 , which stands in the story" in old
    assert "Regenerate turn 2" in text(anna.get("agent_turn_regenerate", new))
    assert "Restore writing 1 of turn 2" in text(anna.get("agent_turn_restore", turn))
    assert "What was decided about turn 2 of “Night watch”" in text(anna.get("chat_turn_history", turn))


def test_a_deleted_turn_is_told_from_a_superseded_one(anna, chat, turn):
    rewriting.delete(chat, turn=turn, by=owner_of(chat))

    assert "Turn 2 “I open it.” Mara Night watch ✕ Deleted" in text(anna.get("chat_turn_changelist"))
    assert "State ✕ Deleted" in text(anna.get("chat_turn_change", turn))
    assert "I open it" in text(anna.get("chat_turn_changelist", by="character"))
    assert "I open it" not in text(anna.get("chat_turn_changelist", by="player"))
    assert "I open it" not in text(anna.get("chat_turn_changelist", **{"is": "stopped"}))
    assert "I open it" in text(anna.get("chat_turn_changelist", **{"is": "deleted"}))
    assert "I open it" not in text(anna.get("chat_turn_changelist", **{"is": "superseded"}))
    assert "I open it" not in text(anna.get("chat_turn_changelist", **{"is": "live"}))


def test_a_turn_stands_on_its_page_as_in_the_list_and_under_its_filter(anna, chat, turn):
    own, other = chat.turns.exclude(id=turn).get().id, reply(chat, "Ilse", "“Too late.”", group=say(chat, "And?"))
    again = regenerate(chat, turn, "“I burn it.”")
    rewriting.delete(chat, turn=again, by=owner_of(chat))
    kept = regenerate(chat, other, "“No.”")
    rewriting.delete(chat, turn=kept, by=owner_of(chat))
    rewriting.restore(chat, turn=other, by=owner_of(chat))

    stand = {turn: "Superseded", again: "Deleted", own: "Live", other: "Live", kept: "Superseded"}

    for one, word in stand.items():
        chosen = anna.get("chat_turn_changelist", id__exact=one, **{"is": word.lower()}).context["cl"].result_list
        assert [row.id for row in chosen] == [one], word
        assert f"State {SHAPES[word.lower()]} {word}" in text(anna.get("chat_turn_change", one))
        assert f"{SHAPES[word.lower()]} {word}" in text(anna.get("chat_turn_changelist", id__exact=one))
    assert "and nothing stands in its place" in text(anna.get("chat_turn_change", turn))


def test_what_was_deleted_along_with_another_is_deleted(anna, chat, turn):
    rewriting.delete(chat, turn=chat.turns.exclude(id=turn).get().id, by=owner_of(chat))

    assert "I open it" in text(anna.get("chat_turn_changelist", **{"is": "deleted"}))
    assert "State ✕ Deleted" in text(anna.get("chat_turn_change", turn))


def test_turns_are_listed_with_as_many_queries_as_one(anna, chat, turn, django_assert_max_num_queries):
    with CaptureQueriesContext(connection) as one:
        anna.get("chat_turn_changelist")
    for _ in range(5):
        say(make_chat(), "More")

    with django_assert_max_num_queries(len(one)):
        anna.get("chat_turn_changelist")


def test_the_form_says_what_will_be_undone(anna, turn):
    said = text(anna.get("agent_turn_regenerate", turn))

    assert "1 story event will go with it" in said
    assert "“Open the letter” goes from active back to planned." in said


def test_what_cannot_be_regenerated_has_no_form(anna, chat, turn):
    player, new = chat.turns.exclude(id=turn).get().id, regenerate(chat, turn, "“I burn it.”")

    assert "only what a character said can be regenerated" in text(anna.get("agent_turn_regenerate", player))
    old = anna.get("agent_turn_regenerate", turn).content.decode()
    assert "no longer stands" in old
    assert f"/chat/turn/{new}/regenerate/" in old


def test_a_turns_page_shows_its_writings_beside_each_other_and_its_history(anna, chat, turn):
    new = regenerate(chat, turn, "“I burn it.”")

    page = anna.get("chat_turn_change", turn).content.decode()
    restore_turn(RestoreTurn(turn_id=turn, reason="It was better"), by=operator("restore_turn"))

    assert "<del>burn</del>" in page
    assert "<ins>open</ins>" in page
    assert "Restore this writing…" in page
    assert "It was better" in text(anna.get("chat_turn_history", turn))
    assert "Nothing yet" in text(anna.get("chat_turn_history", new))
    assert "It was better" in text(anna.get("agent_auditentry_changelist", event=turn))
    assert "It was better" not in text(anna.get("agent_auditentry_changelist", event=new))
    decision = anna.get("agent_auditentry_change", AuditEntry.objects.get().pk).content.decode()
    assert f"/chat/turn/{turn}/change/" in decision
    assert ">Turn 2</a>" in decision
    assert "Stands in the story Writing 2 Writing 1" in text(
        anna.get("agent_auditentry_change", AuditEntry.objects.get().pk)
    )


def test_who_may_only_read_turns_sees_their_fields_and_no_more(transactional_db, turn):
    eve = desk(name="eve")
    assert eve.get("chat_turn_changelist").status_code == 403
    reader = User.objects.get(pk=eve.user.pk)
    reader.user_permissions.add(Permission.objects.get(codename="view_turn"))

    page = eve.get("chat_turn_change", turn)

    assert page.status_code == 200
    assert "Regenerate…" not in text(page)
    assert eve.get("agent_turn_regenerate", turn).status_code == 403
    assert "Regenerate the selected" not in text(eve.get("chat_turn_changelist"))


@pytest.mark.parametrize("act", ["regenerate_turn", "restore_turn"])
def test_who_may_do_either_act_may_read_what_it_is_done_to(chat, turn, act):
    regenerate(chat, turn, "“I burn it.”")
    eve = desk(act, name="eve")

    turns, page = eve.get("chat_turn_changelist"), text(eve.get("chat_turn_change", turn))
    assert 'aria-current="page">Turns</a>' in turns.content.decode()
    assert ("Regenerate the selected" in text(turns)) == (act == "regenerate_turn")
    assert ("Restore this writing…" in page) == (act == "restore_turn")
    assert eve.get("agent_turn_restore", turn).status_code == 200
    done = eve.post("agent_turn_restore", turn, reason="It was better")
    assert done.status_code == (302 if act == "restore_turn" else 403)


def test_a_turn_of_a_deleted_chat_says_so_and_keeps_its_history(anna, chat, turn):
    new = regenerate(chat, turn, "“I burn it.”")
    restore_turn(RestoreTurn(turn_id=turn, reason="It was better"), by=operator("restore_turn"))
    chats.delete(chat, by=owner_of(chat))

    for page in ("chat_turn_change", "agent_turn_regenerate", "agent_turn_restore"):
        answer = anna.get(page, new)
        assert (answer.status_code, "Its chat was deleted." in text(answer)) == (404, True), page
    assert "It was better" in text(anna.get("chat_turn_history", turn))


@pytest.mark.parametrize("which", ["{turn}", "abc", "²", "0", 10**12])
def test_who_may_not_read_the_audit_does_not_learn_which_turns_there_are(turn, which):
    eve = desk("restore_turn", name="eve")

    assert eve.get("chat_turn_history", str(which).format(turn=turn)).status_code == 403


def test_a_reply_to_a_deleted_turn_cannot_be_restored_and_says_why(anna, chat, turn):
    own = chat.turns.exclude(id=turn).get().id
    regenerate(chat, turn, "“I burn it.”")
    assert "Restore this writing…" in text(anna.get("chat_turn_change", turn))
    rewriting.delete(chat, turn=own, by=owner_of(chat))

    assert "Restore this writing…" not in text(anna.get("chat_turn_change", turn))
    for answer in (anna.get("agent_turn_restore", turn), anna.post("agent_turn_restore", turn, reason="It was better")):
        assert "The turn that this answers was deleted. Bring that one back first" in text(answer)
    assert anna.post("agent_turn_restore", turn, reason="It was better").status_code == 409
    assert "Restore this writing…" in text(anna.get("chat_turn_change", own))


def test_what_is_not_there_is_said(anna, turn):
    for page, which in (
        ("agent_turn_regenerate", 10**12),
        ("agent_turn_restore", 10**12),
        ("chat_turn_history", 10**12),
        ("chat_turn_history", "abc"),
        ("chat_turn_history", "²"),
        ("chat_turn_history", "9" * 40),
        ("agent_turn_writing", "0" * 32),
    ):
        answer = anna.get(page, which)
        assert (answer.status_code, "There is no" in text(answer)) == (404, True), page


def test_a_writing_that_ends_while_its_page_is_made_can_be_looked_at_again(anna, chat, turn):
    claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="console", now=timezone.now())

    asked = []

    def ending(execute, sql, *rest):
        """Between the page's first question about it and the next the new writing ends."""
        if asked == ["once"]:
            asked.append("and ended")
            Generation.objects.filter(id=claim.generation).update(state=Generation.State.FAILED)
        elif not asked and Generation._meta.db_table in sql:
            asked.append("once")
        return execute(sql, *rest)

    with connection.execute_wrapper(ending):
        seen = text(anna.get("agent_turn_writing", claim.generation))

    assert asked == ["once", "and ended"]
    assert "is speaking" in seen
    assert "Look again" in seen


def test_the_page_of_a_writing_looks_again_while_somebody_may_still_speak_up(anna, chat, turn):
    claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="console", now=timezone.now())
    row = Generation.objects.filter(id=claim.generation)

    row.update(state=Generation.State.FAILED, ended_at=timezone.now())
    assert b"data-every" in anna.get("agent_turn_writing", claim.generation).content
    row.update(ended_at=timezone.now() - timedelta(seconds=10))
    assert b"data-every" not in anna.get("agent_turn_writing", claim.generation).content
