"""Events become frames, and deltas fewer deltas."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

from django.utils.html import strip_tags
from hypothesis import given
from hypothesis import strategies as st

from chat.database import in_thread
from chat.log import read
from chat.story import writer
from chat.story.fact_payloads import EventPlanned
from chat.story.payloads import AssistantTurn, CharacterEntered, CharacterRevised, ChatRenamed, PremiseChanged, UserTurn
from chat.streaming import frames
from chat.streaming.frame import Frame
from chat.streaming.frames import merge_deltas
from chat.turns import chats, scenes
from chat.turns.announce import Silent
from tests.chat.streaming.conftest import begin_reply, written_reply
from tests.factories import cast_of, owner_of, say


def source() -> writer.Source:
    return writer.Source(actor="test", at=datetime.now(UTC))


def test_a_turn_is_html_with_its_position(chat):
    before = read.head(chat.stream)
    turn = say(chat, "Who is <b>there</b>?")

    [frame] = frames.after(chat.id, before).frames

    assert (frame.type, frame.position) == ("turn_html", turn)
    said = {"position": turn, "turn_id": turn, "generation": "", "state": "complete", "html": ""}
    assert {**frame.body, "html": ""} == said
    assert f'id="turn-{turn}"' in frame.body["html"]
    assert "<b>there" not in frame.body["html"]


async def test_a_reply_names_its_generation(chat):
    before = await in_thread(read.head, chat.stream)
    generation = await written_reply(chat, Silent(), "It is me.")

    batch = await in_thread(frames.after, chat.id, before)

    assert [frame.type for frame in batch.frames] == ["turn_html", "turn_html"]
    assert batch.frames[1].body["generation"] == generation


async def test_a_new_writing_takes_the_place_of_the_old_one(chat):
    first = await written_reply(chat, Silent(), "It is", "interrupted")
    before = await in_thread(read.head, chat.stream)
    reply = await begin_reply(chat, Silent(), retry=first)
    reply.write("It is me.")
    turn = await reply.settle()

    [frame] = (await in_thread(frames.after, chat.id, before)).frames

    assert frame.type == "turn_html_replace"
    assert (frame.body["supersedes_id"], frame.body["turn_id"]) == (before, turn)
    assert "It is me." in frame.body["html"]


async def test_a_new_writing_that_was_cut_off_leaves_the_standing_one(chat):
    first = await written_reply(chat, Silent(), "It is", "interrupted")
    standing = await in_thread(read.head, chat.stream)
    reply = await begin_reply(chat, Silent(), retry=first)
    reply.write("No")
    await reply.settle("stopped")

    [frame] = (await in_thread(frames.after, chat.id, standing)).frames

    assert (frame.body["supersedes_id"], frame.body["turn_id"]) == (standing, standing)
    assert frame.body["generation"] == reply.running.generation
    assert "It is" in frame.body["html"]


def test_several_changes_of_the_head_in_a_row_are_told_once(chat):
    before = read.head(chat.stream)
    writer.write(chat.id, [ChatRenamed(title="A"), PremiseChanged(premise="B"), UserTurn(text="C")], source())
    writer.write(chat.id, [CharacterEntered(character=chat.present[0])], source())

    batch = frames.after(chat.id, before)

    assert [(frame.type, frame.position) for frame in batch.frames] == [
        ("chat", before + 2),
        ("turn_html", before + 3),
        ("mark_html", before + 4),
    ]
    assert batch.position == before + 4


def test_a_scene_is_told_once_with_who_is_present_and_the_end_of_the_one_before_is_not(chat):
    before = read.head(chat.stream)
    scenes.open_scene(chat, title="The cellar", present=[cast_of(chat)["Ilse"]], by=owner_of(chat))
    scenes.leave(chat, character=cast_of(chat)["Ilse"], by=owner_of(chat))

    opened, left = frames.after(chat.id, before).frames

    assert (opened.type, opened.position, left.type) == ("mark_html", before + 2, "mark_html")
    assert " ".join(strip_tags(opened.body["html"]).split()) == "Scene 2: The cellar — Ilse"
    assert "Ilse leaves" in left.body["html"]


def test_a_revised_portrait_is_in_the_older_turns_too(chat):
    before = read.head(chat.stream)
    turn = AssistantTurn(speaker=cast_of(chat)["Mara"], text="“Here.”")
    writer.write(chat.id, [turn], source())
    assert "/portraits/" not in frames.after(chat.id, before).frames[0].body["html"]

    card = replace(chat.cast.get(name="Mara").as_card(), portrait="f" * 64 + ".webp")
    writer.write(chat.id, [CharacterRevised(card=card)], source())

    assert card.portrait in frames.after(chat.id, before).frames[0].body["html"]


def test_facts_that_moved_are_one_hint_of_their_own(chat):
    before = read.head(chat.stream)
    writer.write(chat.id, [EventPlanned(title="Row out"), EventPlanned(title="Row back")], source())

    batch = frames.after(chat.id, before)

    assert [(frame.type, frame.position) for frame in batch.frames] == [("story", before + 2)]


def test_too_many_events_are_not_frames_but_a_position(chat):
    before = read.head(chat.stream)
    writer.write(chat.id, [UserTurn(text="Again")] * (frames.MOST_EVENTS + 1), source())

    assert len(frames.after(chat.id, before + 1).frames) == frames.MOST_EVENTS
    batch = frames.after(chat.id, before)
    assert (batch.too_far, batch.frames, batch.position) == (True, [], read.head(chat.stream))


def test_up_to_a_position_and_no_further(chat):
    before = read.head(chat.stream)
    first = say(chat, "One")
    say(chat, "Two")

    batch = frames.after(chat.id, before, until=first)

    assert ([frame.position for frame in batch.frames], batch.position) == ([first], first)


def test_a_deleted_chat_is_gone_until_it_is_undeleted(chat):
    before = read.head(chat.stream)

    chats.delete(chat, by=owner_of(chat))
    assert frames.after(chat.id, before).gone
    chats.undelete(chat, by=owner_of(chat))
    assert not frames.after(chat.id, before).gone


def test_a_frame_is_rendered_once(chat, django_assert_num_queries):
    before = read.head(chat.stream)
    say(chat, "One")
    first = frames.after(chat.id, before)

    with django_assert_num_queries(1):
        again = frames.after(chat.id, before)

    assert again.frames[0] is first.frames[0]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "turn_html"]), st.text(max_size=3)), max_size=30))
def test_merging_deltas_loses_nothing_and_keeps_the_order(steps):
    lengths, sent = {"a": 0, "b": 0}, []
    for seq, (what, text) in enumerate(steps):
        if what == "turn_html":
            sent.append(Frame("turn_html", {"turn_id": seq}))
            continue
        sent.append(Frame("delta", {"generation": what, "seq": seq, "offset": lengths[what], "text": text}))
        lengths[what] += len(text)

    merged = merge_deltas(sent)

    assert _replayed(merged) == _replayed(sent)
    neighbours = itertools.pairwise(merged)
    assert not any(
        one.type == two.type == "delta" and one.body["generation"] == two.body["generation"] for one, two in neighbours
    )


def _replayed(sent: list[Frame]) -> tuple[dict[str, str], dict[str, int], list[int]]:
    texts, last, turns = {}, {}, []
    for frame in sent:
        if frame.type == "turn_html":
            turns.append(frame.body["turn_id"])
            continue
        generation = frame.body["generation"]
        assert frame.body["offset"] == len(texts.get(generation, ""))
        texts[generation] = texts.get(generation, "") + frame.body["text"]
        last[generation] = frame.body["seq"]
    return texts, last, turns


@given(st.text())
def test_a_delta_is_the_json_that_anyone_would_write(text):
    import json  # noqa: PLC0415

    frame = Frame("delta", {"generation": "a1", "seq": 3, "offset": 7, "text": text})

    assert json.loads(frame.text) == {"type": "delta", **frame.body}
