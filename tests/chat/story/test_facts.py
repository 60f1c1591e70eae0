import pytest

from chat.story import bonds, rebuild
from chat.story.fact_models import Memory, Milestone, StoryEvent, StoryTransition
from chat.story.fact_payloads import (
    EventCancelled,
    EventCompleted,
    EventPlanned,
    EventStarted,
    MemoryFormed,
    MilestoneReached,
    RelationshipChanged,
)
from chat.turns import story_events
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import record, reply, rewrite

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat():
    return make_chat(names=("Mara", "Ilse"))


def planned(chat, title="Open the letter", **because):
    return record(chat, EventPlanned(title=title, **because))[0]


def complete(chat, story_event, turn):
    record(
        chat,
        EventCompleted(story_event=story_event, triggered_by_assistant_turn_id=turn),
        MilestoneReached(story_event=story_event, text="It is open", turn=turn),
    )


def test_a_story_event_goes_from_planned_to_active_to_completed(chat):
    turn = say(chat, "I take the knife.")
    story_event = planned(chat)

    started, completed = record(
        chat,
        EventStarted(story_event=story_event, triggered_by_user_turn_id=turn),
        EventCompleted(story_event=story_event, triggered_by_user_turn_id=turn),
    )

    row = StoryEvent.objects.get(id=story_event)
    assert (row.status, row.status_position, row.because_of) == ("completed", completed, turn)
    assert list(StoryTransition.objects.order_by("id").values_list("id", "status")) == [
        (started, "active"),
        (completed, "completed"),
    ]


def test_a_change_that_comes_too_late_changes_nothing_and_is_kept_as_void(chat):
    turn = say(chat, "I take the knife.")
    story_event = planned(chat)
    story_events.cancel(chat, story_event=story_event, by=owner_of(chat))

    record(chat, EventStarted(story_event=story_event, triggered_by_user_turn_id=turn))

    assert StoryEvent.objects.get(id=story_event).status == "cancelled"
    assert list(StoryTransition.objects.order_by("id").values_list("change", "void")) == [
        ("event_cancelled", False),
        ("event_started", True),
    ]


def test_a_memory_counts_while_its_turn_is_live_and_nobody_had_it_forgotten(chat):
    first = reply(chat, "Mara", "“I hid it.”")
    mara = cast_of(chat)["Mara"]
    old, kept = record(
        chat,
        MemoryFormed(witness=mara, text="She hid it.", importance=5, turn=first),
        MemoryFormed(witness=mara, text="It rained.", importance=2, turn=say(chat, "Rain.")),
    )

    rewrite(chat, first, "Mara", "“I lost it.”")
    assert list(Memory.objects.active().values_list("id", flat=True)) == [kept]

    story_events.forget(chat, memory=kept, by=owner_of(chat))
    story_events.forget(chat, memory=kept, by=owner_of(chat))
    assert not Memory.objects.active().exists()
    assert Memory.objects.filter(id=old, dismissed_by=None).exists()


def test_a_story_event_is_hidden_with_the_turn_that_planned_it_unless_it_has_moved_since(chat):
    first = reply(chat, "Mara", "“Tomorrow we row.”")
    row_out = planned(chat, "Row out", triggered_by_assistant_turn_id=first)
    sing = planned(chat, "Sing", triggered_by_assistant_turn_id=first)
    later = say(chat, "We sing.")
    record(chat, EventStarted(story_event=sing, triggered_by_user_turn_id=later))

    rewrite(chat, first, "Mara", "“Tomorrow we sleep.”")

    assert set(StoryEvent.objects.visible().values_list("id", flat=True)) == {sing}
    assert StoryEvent.objects.filter(id=row_out).exists()


def test_a_relationship_is_the_sum_of_its_live_steps_clipped_at_each(chat):
    cast = cast_of(chat)
    mara, ilse = cast["Mara"], cast["Ilse"]

    def feel(delta):
        turn = reply(chat, "Ilse", f"{delta}")
        changed = RelationshipChanged(character=mara, toward=ilse, delta=delta, why=f"{delta:+}", turn=turn)
        record(chat, changed)
        return turn

    turns = [feel(delta) for delta in (2, 2, 2, 2, -2)]
    (bond,) = bonds.bonds(chat)
    assert (bond.level, bond.why, bond.because_of) == (3, "-2", turns[-1])

    rewrite(chat, turns[0], "Ilse", "Nothing.")
    assert bonds.bonds(chat)[0].level == 3
    rewrite(chat, turns[1], "Ilse", "Nothing.")
    assert bonds.bonds(chat)[0].level == 2
    assert bonds.bonds(chat, before=turns[0]) == []


def test_there_is_exactly_one_live_milestone_however_often_its_turn_is_rewritten(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "*She opens it.*")
    record(chat, EventStarted(story_event=story_event))
    complete(chat, story_event, turn)

    for attempt in range(3):
        turn = rewrite(chat, turn, "Mara", f"*She opens it, {attempt}.*")
        complete(chat, story_event, turn)

    assert Milestone.objects.filter(story_event=story_event).count() == 4
    assert list(Milestone.objects.live().values_list("turn", flat=True)) == [turn]


def test_two_live_milestones_of_one_story_event_count_as_the_newest(chat):
    story_event = planned(chat)
    record(chat, EventStarted(story_event=story_event))
    for text in ("one", "two"):
        complete(chat, story_event, reply(chat, "Mara", text))

    assert Milestone.objects.live().count() == 1


def test_completing_by_hand_makes_a_milestone_and_cannot_be_done_twice(chat):
    owner = owner_of(chat)
    story_event = story_events.plan(chat, title="  Light   the lamp ", by=owner)

    story_events.complete(chat, story_event=story_event, by=owner)

    assert [one.text for one in Milestone.objects.live()] == ["Light the lamp"]
    with pytest.raises(story_events.IllegalTransitionError):
        story_events.cancel(chat, story_event=story_event, by=owner)
    with pytest.raises(story_events.NoSuchStoryEventError):
        story_events.start(make_chat(owner), story_event=story_event, by=owner)
    with pytest.raises(story_events.NoStoryEventTitleError):
        story_events.plan(chat, title=" ", by=owner)


def test_an_edited_story_event_keeps_its_state(chat):
    story_event = planned(chat)
    story_events.start(chat, story_event=story_event, by=owner_of(chat))

    story_events.edit(chat, story_event=story_event, title="Burn it", description="At dawn.", by=owner_of(chat))

    row = StoryEvent.objects.get(id=story_event)
    assert (row.title, row.description, row.status) == ("Burn it", "At dawn.", "active")


def test_all_facts_come_back_from_the_log(chat):
    turn = reply(chat, "Mara", "“I swear.”")
    story_event = planned(chat, triggered_by_assistant_turn_id=turn)
    record(chat, EventCancelled(story_event=story_event))
    record(chat, MemoryFormed(witness=cast_of(chat)["Ilse"], text="She swore.", importance=7, turn=turn))
    rewrite(chat, turn, "Mara", "“I do not swear.”")

    assert rebuild.differences(chat.id) == []
