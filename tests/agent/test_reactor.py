"""One event at a time: claim, react, commit; and everything that may come in between."""

import threading
from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from agent.models import Attempt, Bookmark
from agent.subscriptions import effect, lanes, seeding
from agent.subscriptions.base import Skip
from chat.llm.errors import ModelOutputError, ModelRateLimitedError, ModelUnreachableError
from chat.log.models import Event
from tests.agent.readers import Noter, note, notes, skip
from tests.factories import make_chat, make_user, say

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.Outcome


def outcomes(event: int) -> list[str]:
    return list(Attempt.objects.filter(event=event).order_by("id").values_list("outcome", flat=True))


def lane(chat, name: str = "noter") -> Bookmark:
    return Bookmark.objects.get(subscriber=name, stream__name=chat.stream)


def fail_on(text: str, error: Exception):
    def act(event: Event) -> None:
        if event.payload["text"] == text:
            # The same exception again would drag its former traceback along.
            raise error.with_traceback(None)

    return act


def test_an_event_is_claimed_reacted_to_and_committed_at_once(noter, work_off):
    chat = make_chat()
    turns = [say(chat, "One"), say(chat, "Two")]

    work_off(noter)

    assert notes(chat.id) == turns
    written = Event.objects.get(causation=turns[0], actor="reaction:noter")
    assert written.key == f"noter:{turns[0]}:0"
    attempt = Attempt.objects.get(event=turns[0])
    assert (attempt.outcome, attempt.bookmark_id) == (State.DONE, lane(chat).pk)
    assert attempt.ended_at is not None
    assert attempt.duration_ms >= 0


def test_a_reaction_leaves_a_trace_also_when_it_does_nothing(noter, work_off):
    noter.act = skip
    turn = say(make_chat(), "One")

    work_off(noter)

    attempt = Attempt.objects.get(event=turn)
    assert (attempt.outcome, attempt.note) == (State.SKIPPED, "nothing in it")


def test_a_lane_with_nothing_of_its_kinds_is_moved_to_the_head_without_a_claim(noter, work_off):
    chat = make_chat()

    work_off(noter)

    head = Event.objects.filter(stream__name=chat.stream).latest("position").position
    assert lane(chat).position == head
    assert not Attempt.objects.exists()


def test_poison_wedges_its_lane_and_a_bookmark_moved_by_hand_lets_it_go_on(noter, work_off, caplog):
    chat = make_chat()
    poison, after = say(chat, "poison"), say(chat, "After")
    noter.act = fail_on("poison", ValueError("cannot"))

    work_off(noter)

    wedged = lane(chat)
    assert outcomes(poison) == [State.FAILED] * 2
    assert wedged.wedged_reason == "our own code fails on it"
    assert notes(chat.id) == []
    assert f"noter/{chat.stream} is wedged at event {poison}" in caplog.text
    last = Attempt.objects.filter(event=poison).last()
    assert (last.error, last.message) == ("ValueError", "cannot")
    assert "raise error" in last.traceback

    Bookmark.objects.filter(id=wedged.pk).update(position=poison, wedged_at=None)
    work_off(noter)

    assert notes(chat.id) == [after]


def test_poison_in_one_chat_leaves_a_hundred_others_unharmed(noter, work_off):
    owner = make_user()
    chats = [make_chat(owner, names=("Mara",)) for _ in range(101)]
    turns = {chat.id: say(chat, "poison" if number == 50 else "Well?") for number, chat in enumerate(chats)}
    noter.act = fail_on("poison", ValueError("cannot"))

    work_off(noter)

    read = {chat.id: notes(chat.id) for chat in chats}
    assert read.pop(chats[50].id) == []
    assert read == {chat: [turn] for chat, turn in turns.items() if chat in read}
    assert Bookmark.objects.filter(wedged_at__isnull=False).count() == 1


@pytest.mark.parametrize("unwritable", ["NUL \x00", "half a character \ud83d"])
def test_what_no_database_can_write_is_kept_without_it(noter, work_off, unwritable):
    chat = make_chat()
    failing, noted = say(chat, "Fails once"), say(chat, "Notes it")
    left = iter([ValueError(unwritable)])

    def act(event: Event) -> Skip | None:
        if event.position == failing and (error := next(left, None)):
            raise error
        return Skip(unwritable) if event.position == noted else None

    noter.act = act
    work_off(noter)

    assert (outcomes(failing), outcomes(noted)) == ([State.FAILED, State.DONE], [State.SKIPPED])
    assert unwritable.startswith(Attempt.objects.get(event=noted).note)
    assert unwritable.startswith(Attempt.objects.filter(event=failing).first().message)


def test_what_is_transient_backs_off_and_heals_by_itself(noter, work_off):
    chat = make_chat()
    first, second = say(chat, "One"), say(chat, "Two")
    left = iter(range(6))

    def act(event: Event) -> None:
        if event.position == first and next(left, None) is not None:
            raise ModelUnreachableError

    noter.act = act
    work_off(noter)

    assert outcomes(first) == [State.FAILED] * 6 + [State.DONE]
    assert notes(chat.id) == [first, second]


def test_a_server_that_asks_us_to_wait_is_waited_for(noter, reactor):
    chat = make_chat()
    say(chat, "One")
    noter.act = fail_on("One", ModelRateLimitedError(retry_after=300))
    seeding.notice([noter])

    assert reactor.work_off(noter) == 1

    assert lane(chat).due_at > timezone.now() + timedelta(seconds=250)


@pytest.mark.parametrize("asked", [1767225600.0, 1e14])
def test_a_server_that_asks_us_to_wait_for_years_is_asked_again_in_an_hour(noter, reactor, asked):
    chat = make_chat()
    say(chat, "One")
    noter.act = fail_on("One", ModelRateLimitedError(retry_after=asked))
    seeding.notice([noter])

    assert reactor.work_off(noter) == 1

    in_an_hour = timezone.now() + timedelta(hours=1)
    assert in_an_hour - timedelta(minutes=1) < lane(chat).due_at <= in_an_hour


def test_invalid_output_wedges_after_three_tries(noter, work_off):
    chat = make_chat()
    turn = say(chat, "One")
    noter.act = fail_on("One", ModelOutputError())

    work_off(noter)

    assert outcomes(turn) == [State.FAILED] * 3
    assert lane(chat).wedged_reason == "no valid output in 3 tries"


def test_a_fault_of_one_event_that_outlives_twenty_successes_elsewhere_wedges(reactor, settings):
    settings.READER_MODEL, settings.READER_URL = "scripted", "http://127.0.0.1:9/v1"
    noter = Noter()
    seeding.register([noter])
    chat, other = make_chat(), make_chat()
    say(chat, "bad")
    others = [say(other, "good") for _ in range(25)]
    noter.act = fail_on("bad", ModelUnreachableError())
    seeding.notice([noter])

    def step(in_chat) -> None:
        Bookmark.objects.filter(id=lane(in_chat).pk).update(due_at=timezone.now() - timedelta(seconds=1))
        assert reactor.step(noter, stream=in_chat.stream)

    step(chat)
    for _ in range(19):
        step(other)
    step(chat)
    assert lane(chat).wedged_at is None
    for _ in range(6):
        step(other)
    step(chat)

    assert lane(chat).wedged_reason.endswith("others came through")
    assert notes(other.id) == others


def test_an_event_that_kills_its_worker_three_times_wedges(noter):
    chat = make_chat()
    turn = say(chat, "die")
    seeding.notice([noter])

    for _ in range(3):
        assert lanes.claim(noter, worker="w") is not None
        expire()
    assert lanes.claim(noter, worker="w") is None

    assert outcomes(turn) == [State.LOST] * 3
    assert lane(chat).wedged_reason == "its worker died on it 3 times"


def expire() -> None:
    Bookmark.objects.filter(leased_until__isnull=False).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_stale_worker_that_comes_back_commits_nothing(noter):
    chat = make_chat()
    turn = say(chat, "One")
    seeding.notice([noter])
    stale = lanes.claim(noter, worker="stale")
    expire()
    fresh = lanes.claim(noter, worker="fresh")

    with pytest.raises(lanes.LaneLostError):
        lanes.heartbeat(stale)
    with pytest.raises(lanes.LaneLostError):
        lanes.complete(stale, lambda: effect.take_effect(stale, note(stale.event)))
    assert notes(chat.id) == []
    lanes.complete(fresh, lambda: effect.take_effect(fresh, note(fresh.event)))

    with pytest.raises(lanes.LaneLostError):
        lanes.complete(stale, lambda: effect.take_effect(stale, note(stale.event)))
    assert notes(chat.id) == [turn]
    assert outcomes(turn) == [State.LOST, State.DONE]


@pytest.mark.parametrize("trouble", [OperationalError, InterfaceError])
def test_a_database_that_goes_away_before_the_commit_costs_the_lane_its_lease_alone(noter, reactor, caplog, trouble):
    chat = make_chat()
    turn = say(chat, "One")
    away = threading.Event()
    noter.act = lambda _: away.set()
    seeding.notice([noter])

    def answer(execute, *statement):
        if away.is_set():
            raise trouble("the connection is closed")
        return execute(*statement)

    with connection.execute_wrapper(answer):
        assert reactor.step(noter)
    assert "the database failed at event" in caplog.text
    assert notes(chat.id) == []

    expire()
    reactor.work_off(noter)
    assert outcomes(turn) == [State.LOST, State.DONE]
    assert notes(chat.id) == [turn]


def test_a_reaction_whose_lease_is_lost_is_stopped(noter, reactor, settings):
    settings.LEASE_SECONDS = 0.03
    chat = make_chat()
    turn = say(chat, "One")
    ended = threading.Event()

    def steal(_: Event) -> None:
        Bookmark.objects.filter(id=lane(chat).pk).update(fence=100)
        connection.close()
        assert ended.wait(10)

    noter.act = steal
    seeding.notice([noter])
    step = threading.Thread(target=lambda: (reactor.step(noter), connection.close()))
    step.start()
    step.join(10)
    assert not step.is_alive()
    ended.set()

    assert outcomes(turn) == [State.LOST]
    assert notes(chat.id) == []
