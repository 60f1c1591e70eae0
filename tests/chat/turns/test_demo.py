"""The demo story: written once, playable at once, in the log like any other, and read by nobody again."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agent import registry
from agent.models import Bookmark
from agent.subscriptions import seeding
from chat.story import decisions
from chat.story.bonds import bonds
from chat.story.fact_models import Memory, Milestone, StoryEvent, TurnReading
from chat.story.models import Character, Chat, Meanwhile
from chat.turns import branching, openers, rewriting, undoing, variants
from chat.turns.demo import demo_of, write_demo
from chat.turns.demo.beats import Said
from chat.turns.demo.story import STORY
from tests.factories import make_user
from tests.facts import regenerate

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(django_user_model):
    return django_user_model.objects.create_superuser("anna")


@pytest.fixture
def chat(owner):
    return Chat.objects.get(id=write_demo(owner, now=timezone.now()))


@pytest.fixture
def names(chat):
    return dict(chat.cast.values_list("character", "name"))


def last_reply(chat):
    return chat.turns.live().filter(speaker__isnull=False, interjection_of=None).order_by("-place").first()


def statuses(chat):
    return sorted(StoryEvent.objects.filter(chat=chat).values_list("status", flat=True))


def test_the_demo_is_two_scenes_and_a_meanwhile_that_end_in_a_question(chat, names):
    turns = list(chat.turns.live().in_story_order())
    here = [(one.name or "You", one.text) for one in STORY if isinstance(one, Said)]
    assert [(turn.speaker_name, turn.text) for turn in turns if turn.meanwhile_id is None] == here
    assert len(turns) == 15
    assert [scene.closed_at is None for scene in chat.scenes.order_by("number")] == [False, True]
    assert [names[one] for one in chat.present] == ["Mara", "Ilse"]
    assert Meanwhile.objects.get(chat=chat).names == ["Ilse", "Tom"]
    assert turns[-1].interjection_of is not None
    assert turns[-1].text.endswith("?”")
    assert turns[-1].said_at < timezone.now()


def test_what_it_has_caused_is_one_of_everything(chat, names):
    assert statuses(chat) == ["active", "cancelled", "completed", "planned"]
    assert Milestone.objects.filter(chat=chat).live().count() == 1
    assert {names[one.witness] for one in Memory.objects.filter(chat=chat).active()} == {"Mara", "Ilse", "Tom"}
    assert len(bonds(chat)) == 2
    debrief = decisions.debriefs(chat)[0]
    assert {names[int(who)] for who in debrief.body["parts"]} == {"Mara", "Ilse", "Tom"}
    assert chat.decisions.get(choice=decisions.CAUTION_DRAFTED).verdict == ""
    assert sorted(one.total for one in variants.numbered(list(chat.turns.live())).values())[-2:] == [2, 3]


def test_its_older_writings_are_no_edits_nor_in_a_branch_of_it_and_what_a_player_edits_is(owner, chat):
    assert chat.turns.exclude(regenerated_from=None).exists()
    assert not any(turn.is_edit for turn in chat.turns.all())
    assert set(chat.turns.values_list("generation", flat=True)) == {""}
    edited = rewriting.edit(chat, turn=last_reply(chat).id, text="Mine.", by=owner)

    branch = Chat.objects.get(id=branching.branch(chat, turn=edited, by=owner))

    for story in (chat, branch):
        assert [turn.text for turn in story.turns.all() if turn.is_edit] == ["Mine."]


def test_nobody_keeps_or_feels_what_it_did_not_witness(chat):
    witnesses = dict(chat.turns.values_list("id", "witnesses"))
    for memory in Memory.objects.filter(chat=chat):
        assert memory.witness in witnesses[memory.turn]
    for bond in bonds(chat):
        assert bond.character in witnesses[bond.because_of]
    caution = chat.decisions.get(choice=decisions.CAUTION_DRAFTED)
    for turn in caution.turns:
        assert set(caution.body["audience"]) <= set(witnesses[turn])


def test_rewriting_the_last_reply_undoes_one_completion_two_memories_and_the_interjection(chat):
    reply = last_reply(chat)

    undone = undoing.undone(chat, reply)
    assert [(one.story_event.status, one.after) for one in undone.story_events] == [("completed", "active")]
    assert (len(undone.memories), len(undone.interjections), undone.later_turns) == (2, 1, 0)

    regenerate(chat, reply.id)
    assert statuses(chat) == ["active", "active", "cancelled", "planned"]
    assert not Milestone.objects.filter(chat=chat).live().exists()


def test_its_readers_find_nothing_to_do(owner):
    readers = registry.reactions()
    seeding.register(readers)
    chat = Chat.objects.get(id=write_demo(owner, now=timezone.now()))
    seeding.notice(readers)

    lanes = Bookmark.objects.filter(subscriber__in=[one.name for one in readers], stream_id=chat.id)
    assert set(lanes.values_list("position", "due_at")) == {(chat.seeded_at, None)}
    assert TurnReading.objects.filter(chat=chat).count() == chat.turns.count()


def test_the_tables_say_what_the_log_says(chat):
    call_command("check_log")


def test_nobody_goes_on_by_themselves(chat):
    assert openers.waiting(now=timezone.now() + timedelta(minutes=1)) == []


def test_its_characters_have_whole_sheets(owner, chat):
    empty = [
        (one.name, field)
        for one in Character.objects.filter(owner=owner)
        for field in ("description", "personality", "scenario_note", "example_dialogue", "greeting", "tags")
        if not getattr(one, field)
    ]
    assert Character.objects.filter(owner=owner).count() == 3
    assert empty == []


def test_seeding_again_adds_nothing_unless_told_so(owner, capsys):
    call_command("seed_demo")
    call_command("seed_demo")
    assert Chat.objects.count() == 1
    assert "there already" in capsys.readouterr().out

    call_command("seed_demo", "--again")
    call_command("seed_demo", "--again")

    titles = Chat.objects.order_by("id").values_list("title", flat=True)
    assert list(titles) == ["Night watch", "Night watch (2)", "Night watch (3)"]
    assert "Wrote the demo story “Night watch (3)”" in capsys.readouterr().out
    assert Character.objects.count() == 3


def test_seeding_looks_through_another_title_and_a_deletion(owner, chat):
    Chat.objects.filter(id=chat.id).update(title="Mine now", deleted_at=timezone.now())

    assert demo_of(owner) == chat.id


def test_seeding_for_somebody_by_name(owner):
    bert = make_user("bert")

    call_command("seed_demo", "--user", "bert")

    assert Chat.objects.get().owner_id == bert.pk


def test_seeding_without_a_superuser_says_so():
    with pytest.raises(CommandError, match="no superuser yet"):
        call_command("seed_demo")
