"""Batches over several lanes; rows and bookmarks move together; a rebuild beside the rows in use."""

import pytest
from django.db import connection
from django.utils import timezone

from agent.models import Attempt, Bookmark, Subscriber
from agent.projections.activity import Activity, days_of
from agent.projections.turn_search import TurnSearch, search
from agent.subscriptions import projector, rebuilding, seeding
from agent.subscriptions.projector import Pace
from chat.story.models import Chat
from chat.story.payloads import AssistantTurn, ChatDeleted
from chat.story.writer import Source, write
from tests.agent.readers import Counter, supersede
from tests.factories import cast_of, make_chat, make_user, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)


def run(*projections, size: int = 100) -> int:
    seeding.register(projections)
    seeding.notice(projections)
    return sum(projector.work_off(one, pace=Pace(size=size, most=size)) for one in projections)


def reply(chat: Chat, text: str, **numbers: int) -> int:
    said = AssistantTurn(speaker=cast_of(chat)["Ilse"], text=text, **numbers)
    return write(chat.id, [said], Source(actor="test", at=timezone.now())).events[0].position


def test_events_of_several_lanes_are_applied_in_order_and_in_batches():
    counter = Counter()
    chats = [make_chat() for _ in range(4)]
    turns = {chat.id: [say(chat, f"{number}") for number in range(7)] for chat in chats}

    assert run(counter, size=5) == 28

    applied = {chat.id: [turn for one, turn in counter.applied[0] if one == chat.id] for chat in chats}
    assert applied == turns
    assert max(counter.batches) == 5
    assert not Bookmark.objects.filter(due_at__isnull=False).exists()
    assert run(counter) == 0


def test_a_lane_that_fails_wedges_before_the_event_and_the_others_go_on():
    counter = Counter()
    bad, good = make_chat(), make_chat()
    before, poison, after = say(bad, "One"), say(bad, "poison"), say(bad, "Three")
    fine = say(good, "Fine")

    run(counter)

    assert sorted(counter.applied[0]) == sorted([(bad.id, before), (good.id, fine)])
    lane = Bookmark.objects.get(wedged_at__isnull=False)
    assert (lane.stream.name, lane.position) == (bad.stream, before)
    attempt = Attempt.objects.get()
    assert (attempt.event, attempt.error) == (poison, "ValueError")

    Bookmark.objects.filter(id=lane.pk).update(position=poison, wedged_at=None)
    run(counter)

    assert (bad.id, after) in counter.applied[0]


def test_a_rebuild_writes_beside_the_rows_in_use_and_switches_when_it_is_complete():
    counter = Counter()
    chat = make_chat()
    turns = [say(chat, f"{number}") for number in range(5)]
    run(counter)
    seen = []
    apply = counter.apply

    def watching(events, *, epoch):
        row = Subscriber.objects.get(name="counter")
        seen.append((epoch, row.epoch, len(counter.applied[row.epoch])))
        apply(events, epoch=epoch)

    counter.apply = watching
    assert rebuilding.rebuild(counter, batch_size=2) == 5

    assert {(epoch, used, rows) for epoch, used, rows in seen} == {(1, 0, 5)}
    assert counter.applied == {1: [(chat.id, turn) for turn in turns]}
    assert Subscriber.objects.get(name="counter").epoch == 1
    counter.apply = apply
    assert set(Bookmark.objects.values_list("epoch", flat=True)) == {1}
    later = say(chat, "later")
    run(counter)
    assert counter.applied[1][-1] == (chat.id, later)


def test_a_rebuild_that_fails_leaves_the_rows_in_use_and_can_be_repeated():
    counter = Counter()
    chat = make_chat()
    say(chat, "poison")

    for _ in range(2):
        with pytest.raises(rebuilding.RebuildFailedError):
            rebuilding.rebuild(counter)

    assert Subscriber.objects.get(name="counter").epoch == 0


def test_a_turn_is_found_by_its_words_in_ones_own_chats_alone():
    chat, other = make_chat(title="Night watch"), make_chat(make_user())
    turn = say(chat, "The lantern is dark. Who let the lantern go out, and when?")
    say(other, "A lantern of somebody else")
    run(TurnSearch())

    (hit,) = search(chat.owner_id, "LANTERN dar")

    assert (hit.chat, hit.title, hit.turn, hit.place, hit.speaker) == (chat.id, "Night watch", turn, turn, "You")
    assert [piece.text for piece in hit.pieces if piece.found] == ["lantern", "dar", "lantern"]
    assert "".join(piece.text for piece in hit.pieces).startswith("The lantern is dark.")
    assert search(chat.owner_id, "lantern ship") == []
    assert search(chat.owner_id, "' OR \" & !") == []


def test_superseded_turns_and_deleted_chats_are_not_found():
    chat = make_chat()
    old, new = say(chat, "harbour one"), say(chat, "harbour two")
    run(TurnSearch())

    supersede(old)
    assert [hit.turn for hit in search(chat.owner_id, "harbour")] == [new]
    write(chat.id, [ChatDeleted()], Source(actor="test", at=timezone.now()))
    assert search(chat.owner_id, "harbour") == []


def test_the_search_is_the_same_after_a_rebuild():
    chat = make_chat()
    turn = say(chat, "harbour")
    run(TurnSearch())

    rebuilding.rebuild(TurnSearch())

    assert [hit.turn for hit in search(chat.owner_id, "harbour")] == [turn]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's plan")
def test_the_search_can_use_its_index():
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM agent_searchedturn WHERE to_tsvector('simple', text) @@ to_tsquery('simple', 'a')"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")

    assert "agent_turnwords" in plan


def test_activity_counts_turns_tokens_cost_and_latency_by_day(settings):
    settings.PROMPT_PRICE, settings.COMPLETION_PRICE = 2.0, 10.0
    chat = make_chat()
    say(chat, "One")
    reply(chat, "“Two.”", prompt_tokens=1000, completion_tokens=100, first_token_ms=200, duration_ms=900)
    run(Activity())
    reply(chat, "“Three.”", prompt_tokens=3000, completion_tokens=100, first_token_ms=400, duration_ms=1100)
    reply(chat, "“Untimed.”")
    run(Activity())

    (day,) = days_of(chat.id)

    assert (day.said, day.replies, day.prompt_tokens, day.completion_tokens) == (1, 3, 4000, 200)
    assert (day.first_token_ms, day.duration_ms) == (300, 1000)
    assert day.cost == pytest.approx(0.01)


def test_the_fragments_are_served_to_members_alone(client):
    chat = make_chat()
    say(chat, "A <b>lantern</b>")
    run(TurnSearch(), Activity())
    chart, reading = f"/agent/chats/{chat.id}/activity/", f"/agent/chats/{chat.id}/reading/"
    for address in (chart, reading, "/agent/search/?q=lantern"):
        assert client.get(address).status_code == 401

    client.force_login(make_user())
    assert client.get(chart).status_code == client.get(reading).status_code == 404
    assert "lantern</mark>" not in client.get("/agent/search/?q=lantern").content.decode()

    client.force_login(owner_of(chat))
    assert "<svg" in client.get(chart).content.decode()
    assert client.get(chart, headers={"accept": "application/json"}).json()[0]["said"] == 1
    found = client.get("/agent/search/?q=lantern").content.decode()
    assert "A &lt;b&gt;<mark>lantern</mark>&lt;/b&gt;" in found
    assert f"/chats/{chat.id}/?at=" in found
    (hit,) = client.get("/agent/search/?q=lantern", headers={"accept": "application/json"}).json()
    assert hit["snippet"] == "A <b>lantern</b>"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's single writer")
def test_on_sqlite_batches_shrink_until_a_turn_need_not_wait_for_them():
    pauses = []
    pace = Pace(size=100, most=100, seconds=0.02, pause=pauses.append)

    pace.note(0.2)
    assert pace.size == 10
    for _ in range(30):
        pace.note(0.001)

    assert pace.size == 100
    assert min(pauses) > 0
