"""Branching a story from one of its turns, through its door and for those who read the log."""

import pytest
from django.test import Client
from django.utils import timezone

from agent.decisions import caution_drafted
from agent.models import Bookmark
from agent.registry import SUBSCRIBERS
from agent.subscriptions import seeding
from agent.subscriptions.base import Reaction
from chat.log.models import Event
from chat.story import decisions, rebuild
from chat.story.fact_models import Decision, Memory, StoryEvent
from chat.story.fact_payloads import EventCompleted, EventPlanned, EventStarted, MemoryFormed
from chat.story.models import Chat
from chat.turns import cautions, claims, openers, rewriting, scenes
from tests.factories import cast_of, make_chat, make_user, owner_of, say
from tests.facts import record, regenerate, reply, rewrite

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat() -> Chat:
    return make_chat()


@pytest.fixture
def client(chat: Chat) -> Client:
    client = Client()
    client.force_login(owner_of(chat))
    return client


def branch(client: Client, chat: Chat, turn: int) -> Chat:
    answer = client.post(f"/chats/{chat.id}/turns/{turn}/branch/", headers={"Accept": "application/json"})
    assert answer.status_code == 201
    return Chat.objects.get(id=answer.json()["chat_id"])


def texts(chat: Chat) -> list[str]:
    return [turn.text for turn in chat.turns.live().in_story_order()]


def test_a_branch_has_the_turns_up_to_it_their_older_writings_and_what_they_caused(client, chat):
    mara = cast_of(chat)["Mara"]
    say(chat, "One.")
    first = reply(chat, "Mara", "Two.")
    later = say(chat, "Three.")
    record(chat, MemoryFormed(witness=mara, text="of three", importance=5, turn=later))
    second = rewrite(chat, first, "Mara", "Two, again.")
    record(chat, MemoryFormed(witness=mara, text="of two", importance=5, turn=second))

    begun = branch(client, chat, second)

    assert texts(begun) == ["One.", "Two, again."]
    assert begun.turns.count() == 3
    assert list(Memory.objects.filter(chat=begun).values_list("text", flat=True)) == ["of two"]
    assert texts(chat) == ["One.", "Two, again.", "Three."]
    assert (begun.owner_id, begun.branched_from, begun.branched_from_turn) == (chat.owner_id, chat.id, second)


def test_what_fell_with_a_reply_comes_back_with_it_in_a_branch_too(client, chat):
    own = say(chat, "One.")
    first = reply(chat, "Mara", "Two.", group=own)
    reply(chat, "Ilse", "Three.", group=own, interjection_of=cast_of(chat)["Mara"])
    regenerate(chat, first, "Two, again.")
    last = say(chat, "Four.")

    begun = branch(client, chat, last)
    rewriting.restore(begun, turn=begun.turns.get(text="Two.").id, by=owner_of(begun))

    assert texts(begun) == ["One.", "Two.", "Three.", "Four."]
    assert rebuild.differences(begun.id) == []


def test_what_a_copied_turn_caused_belongs_however_late_it_was_written(client, chat):
    (planned,) = record(chat, EventPlanned(title="Light the lamp"))
    first, later = reply(chat, "Mara", "One."), say(chat, "Two.")
    record(chat, EventStarted(story_event=planned, triggered_by_assistant_turn_id=first))
    record(chat, EventCompleted(story_event=planned, triggered_by_user_turn_id=later))

    begun = branch(client, chat, first)

    assert StoryEvent.objects.get(chat=begun).status == "active"
    assert StoryEvent.objects.get(chat=chat).status == "completed"


def test_each_caution_is_copied_once_and_stands_as_it_stood(client, chat):
    owner, mara = owner_of(chat), cast_of(chat)["Mara"]
    turn = reply(chat, "Mara", "One.")
    drafted = [
        caution_drafted(text, audience=[mara], reasoning="She read it.", turns=[turn], decided_by="a model")
        for text in ("promoted", "declined", "pending")
    ]
    promoted, declined, _ = record(chat, *drafted)
    cautions.promote(chat, caution=promoted, by=owner)
    cautions.decline(chat, caution=declined, by=owner)

    begun = branch(client, chat, turn)
    again = branch(client, begun, begun.turns.live().get().id)

    for copy in (begun, again):
        proposals = Decision.objects.filter(chat=copy, context=decisions.CAUTION_PROPOSAL).order_by("id")
        assert [(one.body["text"], one.verdict) for one in proposals] == [
            ("promoted", "Promoted"), ("declined", "Declined"), ("pending", ""),
        ]  # fmt: skip
        assert [one.body["text"] for one in decisions.cautions(copy)] == ["promoted"]
        page = client.get(f"/chats/{copy.id}/facts/").content.decode()
        assert [page.count(f"<p>{text}</p>") for text in ("promoted", "declined", "pending")] == [1, 0, 1]


def test_later_scenes_and_deeds_by_hand_are_left_out(client, chat):
    owner = owner_of(chat)
    first = say(chat, "One.")
    record(chat, EventPlanned(title="Later"))
    scenes.open_scene(chat, title="Dawn", present=[cast_of(chat)["Mara"]], by=owner)
    say(chat, "Two.")

    begun = branch(client, chat, first)

    assert (begun.scene_number, begun.present) == (1, list(cast_of(chat).values()))
    assert not Event.objects.filter(stream_id=begun.id, kind="event_planned").exists()


def test_nobody_answers_in_a_branch_before_something_is_said_there(client, chat):
    begun = branch(client, chat, say(chat, "One."))

    assert openers.unanswered(begun) == []
    say(begun, "Two.")
    assert len(openers.unanswered(Chat.objects.get(id=begun.id))) == 1


def test_what_was_copied_is_not_read_again(client, chat):
    seeding.register(SUBSCRIBERS)
    begun = branch(client, chat, say(chat, "One."))

    seeding.notice(SUBSCRIBERS)

    reactions = {one.name for one in SUBSCRIBERS if isinstance(one, Reaction)}
    lanes = Bookmark.objects.filter(stream_id=begun.id)
    assert set(lanes.filter(subscriber__in=reactions).values_list("position", flat=True)) == {begun.branched_at}
    assert lanes.exclude(subscriber__in=reactions).filter(position=0).exists()


def test_the_link_back_leads_to_where_the_turn_stands_now_however_it_was_rewritten(client, chat):
    turn = reply(chat, "Mara", "“I open it.”")
    begun = branch(client, chat, turn)
    new = rewrite(chat, turn, "Mara", "“I burn it.”")

    page = client.get(f"/chats/{begun.id}/facts/").content.decode()

    assert f'/chats/{chat.id}/?at={turn}#turn-{new}"' in page


def test_a_reply_that_was_cut_off_is_tried_again_in_a_branch_too(client, chat):
    cut = reply(chat, "Mara", "“I o", state="stopped", generation="asked-elsewhere")
    other = branch(client, chat, cut)

    claim = claims.claim_retry(other.id, generation="asked-elsewhere", now=timezone.now())

    assert (claim.rewrites, claim.speaker.name) == (other.turns.get().id, "Mara")
    with pytest.raises(claims.NothingToRetryError):
        claims.claim_retry(other.id, generation="unheard-of", now=timezone.now())


def test_both_stories_link_to_each_other(client, chat):
    turn = say(chat, "One.")
    begun = branch(client, chat, turn)

    page = " ".join(client.get(f"/chats/{begun.id}/facts/").content.decode().split())
    assert f'Branched from <a href="/chats/{chat.id}/?at={turn}#turn-{turn}">Night watch</a>' in page
    assert (
        f'<a href="/chats/{begun.id}/">Night watch · branch 1</a>'
        in client.get(f"/chats/{chat.id}/facts/").content.decode()
    )


def test_only_a_standing_turn_of_ones_own_story_can_be_branched_from(client, chat):
    first = reply(chat, "Mara", "Two.")
    rewrite(chat, first, "Mara", "Two, again.")
    stranger = Client()
    stranger.force_login(make_user())

    assert client.post(f"/chats/{chat.id}/turns/{first}/branch/").status_code == 404
    assert client.post(f"/chats/{chat.id}/turns/1/branch/").status_code == 404
    assert stranger.post(f"/chats/{chat.id}/turns/{first}/branch/").status_code == 404
    assert Chat.objects.count() == 1


def test_a_browser_goes_to_the_branch(client, chat):
    turn = say(chat, "One.")

    answer = client.post(f"/chats/{chat.id}/turns/{turn}/branch/", follow=True)

    assert answer.request["PATH_INFO"] == f"/chats/{Chat.objects.get(branched_from=chat.id).id}/"
    assert "This is a branch of “Night watch”" in answer.content.decode()
