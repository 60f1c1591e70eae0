import pytest

from chat.log.read import events_of
from chat.story import rebuild
from chat.story.models import Chat, Turn
from chat.story.payloads import KINDS, PAYLOADS, AssistantTurn, TurnSuperseded, decode, encode, kind_of
from chat.story.writer import write
from chat.turns import chats, scenes
from chat.turns.characters import Details, revise_character
from tests.factories import cast_of, make_character, make_chat, owner_of, say

pytestmark = pytest.mark.django_db


def reply(chat: Chat, name: str, text: str, **how: object) -> int:
    speaker = cast_of(chat)[name]
    said = AssistantTurn(speaker=speaker, text=text, **how)
    return write(chat.id, [said], chats.source(owner_of(chat))).events[0].position


def test_kinds_are_data_and_stay_as_they_are():
    assert sorted(KINDS) == [
        "assistant_turn", "branched", "character_entered", "character_exited", "character_joined",
        "character_revised", "chat_archived", "chat_created", "chat_deleted", "chat_pinned", "chat_renamed",
        "chat_unarchived", "chat_undeleted", "chat_unpinned", "decision_registered", "drill_started",
        "event_cancelled", "event_completed", "event_edited", "event_planned", "event_started",
        "event_status_reverted", "interjections_set", "meanwhile_continued", "meanwhile_opened", "member_joined",
        "member_left", "memory_dismissed", "memory_formed", "memory_recalled", "milestone_reached", "persona_changed",
        "premise_changed", "relationship_changed", "reply_requested", "scene_closed", "scene_opened", "scene_renamed",
        "story_seeded", "turn_deleted", "turn_read", "turn_restored", "turn_superseded", "user_turn",
    ]  # fmt: skip
    assert len(PAYLOADS) == len(KINDS)


def test_a_payload_comes_back_as_it_went_in():
    chat = make_chat()

    for event in events_of(chat.stream):
        payload = decode(event.kind, event.payload)
        assert kind_of(type(payload)) == event.kind
        assert decode(event.kind, encode(payload)) == payload


def test_a_chat_begins_with_its_cast_present_and_greeting():
    owner = owner_of(make_chat())
    mara = make_character(owner, "Mara", greeting="“You are late.”")
    tom = make_character(owner, "Tom")

    chat = Chat.objects.get(
        id=chats.begin_chat(owner, title=" Night  watch ", premise="x", characters=[mara, tom], scene_title="The lamp")
    )

    assert (chat.title, chat.scene_title, chat.scene_number) == ("Night watch", "The lamp", 1)
    assert chat.present == [mara.pk, tom.pk]
    assert [(turn.speaker_name, turn.text, turn.witnesses) for turn in chat.turns.all()] == [
        ("Mara", "“You are late.”", [mara.pk, tom.pk])
    ]
    assert chat.preview == "Mara: “You are late.”"


def test_a_turn_is_witnessed_by_those_present_and_by_its_speaker():
    chat = make_chat(names=("Mara", "Ilse", "Tom"))
    cast, owner = cast_of(chat), owner_of(chat)

    scenes.leave(chat, character=cast["Tom"], by=owner)
    say(chat, "Tom is gone.")
    scenes.enter(chat, character=cast["Tom"], by=owner)
    scenes.leave(chat, character=cast["Mara"], by=owner)
    reply(chat, "Mara", "*from the stairs* “Tom!”")

    heard = [set(turn.witnesses) for turn in chat.turns.in_story_order()]
    assert heard == [{cast["Mara"], cast["Ilse"]}, {cast["Mara"], cast["Ilse"], cast["Tom"]}]


def test_a_new_writing_keeps_the_place_the_scene_and_the_witnesses_of_the_first():
    chat = make_chat(names=("Mara", "Ilse"))
    first = reply(chat, "Mara", "Never.")
    scenes.leave(chat, character=cast_of(chat)["Ilse"], by=owner_of(chat))
    say(chat, "Alone at last.")

    second = reply(chat, "Mara", "Perhaps.", regenerated_from=first)
    write(chat.id, [TurnSuperseded(turn=first, by=second)], chats.source(owner_of(chat)))

    old, new = Turn.objects.get(id=first), Turn.objects.get(id=second)
    assert (new.place, new.witnesses, new.scene) == (old.place, old.witnesses, old.scene)
    assert [turn.text for turn in chat.turns.live().in_story_order()] == ["Perhaps.", "Alone at last."]
    chat.refresh_from_db()
    assert chat.turn_count == 2


def test_an_edited_character_is_revised_in_the_chats_of_its_author():
    chat = make_chat(names=("Mara",))
    mara = owner_of(chat).characters.get()

    revise_character(mara, Details(name="Mara Quill", description="older now"), by=owner_of(chat))

    assert chat.cast.get().name == "Mara Quill"
    assert chat.cast.get().card["description"] == "older now"
    assert rebuild.differences(chat.id) == []


def test_opening_a_scene_closes_the_open_one():
    chat = make_chat()
    owner = owner_of(chat)

    scenes.open_scene(chat, title="The harbour", present=[cast_of(chat)["Ilse"]], by=owner)

    chat.refresh_from_db()
    assert (chat.scene_title, chat.scene_number, chat.present) == ("The harbour", 2, [cast_of(chat)["Ilse"]])
    assert [scene.closed_at is None for scene in chat.scenes.order_by("number")] == [False, True]


def test_who_is_named_twice_is_present_once():
    chat = make_chat()
    ilse = cast_of(chat)["Ilse"]

    scenes.open_scene(chat, title="The harbour", present=[ilse, ilse], by=owner_of(chat))

    assert Chat.objects.get(id=chat.id).present == [ilse]


def test_a_scene_takes_only_characters_of_the_cast():
    chat = make_chat()
    stranger = make_character(owner_of(chat), "Stranger")

    with pytest.raises(scenes.NotInTheCastError):
        scenes.enter(chat, character=stranger.pk, by=owner_of(chat))
    scenes.close_scene(chat, by=owner_of(chat))
    with pytest.raises(scenes.NoOpenSceneError):
        scenes.close_scene(chat, by=owner_of(chat))


def test_what_no_database_can_hold_is_dropped_before_log_and_tables():
    chat = make_chat()

    turn = say(chat, "a\x00b\ud800c")

    assert Turn.objects.get(id=turn).text == "abc"
    assert rebuild.differences(chat.id) == []


def test_a_difference_between_tables_and_log_is_found_and_healed():
    chat = make_chat()
    turn = say(chat, "True words.")
    Turn.objects.filter(id=turn).update(text="False words.")

    found = rebuild.differences(chat.id)

    assert [(one.table, one.live and one.live["text"], one.rebuilt and one.rebuilt["text"]) for one in found] == [
        ("Turn", "False words.", "True words."),
    ]
    assert Turn.objects.get(id=turn).text == "False words."
    rebuild.rebuild(chat.id)
    assert rebuild.differences(chat.id) == []
