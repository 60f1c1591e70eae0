"""Which lanes are claimed, when, and by whom; and what becomes of them when a worker ends or a key is refused."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from agent.models import Attempt, Bookmark, Subscriber, SuspendedEndpoint
from agent.subscriptions import breaker, history, lanes, seeding
from agent.subscriptions.reactor import Reactor
from chat.llm.errors import NoReaderError
from chat.log.models import Event
from chat.turns.models import Generation
from tests.agent.readers import Asker, Noter, notes
from tests.factories import make_chat, say
from tests.model_behaviours import refused, stall
from tests.model_behaviours import say as says

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


def test_a_reaction_registered_on_a_full_log_starts_at_its_head(work_off):
    chat = make_chat()
    say(chat, "Long ago")
    noter = Noter()
    seeding.register([noter])
    late = make_chat()
    first, again = say(late, "First"), say(chat, "Now")

    work_off(noter)

    assert notes(chat.id) == [again]
    assert notes(late.id) == [first]
    assert lane(late).position >= first


def test_a_reaction_may_start_at_the_beginning(work_off):
    class Historian(Noter):
        name = "historian"
        starts_at = "beginning"

    chat = make_chat()
    turn = say(chat, "Long ago")

    work_off(Historian())

    assert notes(chat.id, "historian") == [turn]


def test_a_reaction_works_as_many_lanes_at_once_as_it_may(noter, settings):
    chats = [make_chat(), make_chat()]
    for chat in chats:
        say(chat, "One")
        say(chat, "Two")
    seeding.notice([noter])

    first = lanes.claim(noter, worker="w")
    assert lanes.claim(noter, worker="w") is None
    settings.REACTION_CONCURRENCY = 5
    second = lanes.claim(noter, worker="w")

    assert first.event.stream_id != second.event.stream_id
    assert lanes.claim(noter, worker="w") is None, "a lane is worked by one alone"


def test_a_paused_reaction_claims_nothing(noter):
    chat = make_chat()
    say(chat, "One")
    seeding.notice([noter])

    Subscriber.objects.update(paused_at=timezone.now())
    assert lanes.claim(noter, worker="w") is None
    Subscriber.objects.update(paused_at=None)
    Bookmark.objects.update(paused_at=timezone.now())
    assert lanes.claim(noter, worker="w") is None
    Bookmark.objects.update(paused_at=None)
    assert lanes.claim(noter, worker="w") is not None


def test_on_a_server_with_one_slot_no_reaction_starts_while_a_reply_is_written(noter, settings):
    chat = make_chat()
    turn = say(chat, "One")
    seeding.notice([noter])
    settings.MODEL_SLOTS, settings.READER_MODEL, settings.READER_URL = 1, "scripted", "http://127.0.0.1:9/v1"
    now = timezone.now()
    Generation.objects.create(
        id="g",
        chat=chat,
        group=turn,
        answers_up_to=turn,
        speaker=1,
        started_at=now,
        leased_until=now + timedelta(minutes=1),
    )

    assert lanes.claim(noter, worker="w") is None
    Generation.objects.update(state=Generation.State.FINISHED)
    assert lanes.claim(noter, worker="w") is not None


def test_a_lane_is_given_back_uncharged_when_its_worker_is_told_to_end(noter, reactor):
    chat = make_chat()
    turn = say(chat, "One")
    reached, gone = threading.Event(), threading.Event()

    def act(_: Event) -> None:
        reached.set()
        gone.wait(10)

    noter.act = act
    seeding.notice([noter])
    working = threading.Thread(target=lambda: (reactor.work_off(noter), connection.close()))
    working.start()
    assert reached.wait(10)
    reactor.cancel()
    working.join(10)
    gone.set()

    assert outcomes(turn) == [State.RELEASED]
    assert (lane(chat).leased_until, lane(chat).position < turn) == (None, True)
    assert history.charged(lane(chat), turn) == []
    assert lanes.claim(noter, worker="another").event.position == turn


def test_a_key_refused_for_a_while_wedges_nothing_and_everything_is_read_afterwards(reactor, settings, model, caplog):
    settings.READER_MODEL, settings.READER_URL = "scripted", model.url
    asker = Asker()
    seeding.register([asker])
    chats = [make_chat(), make_chat()]
    turns = {chat.id: [say(chat, "One"), say(chat, "Two"), say(chat, "Three")] for chat in chats}
    seeding.notice([asker])
    model.default = refused(401)

    for _ in range(5):
        reactor.probe(asker)
        reactor.work_off(asker)

    assert caplog.text.count("is suspended") == 1
    assert Attempt.objects.exclude(outcome=State.SUSPENDED).count() == 0
    assert Attempt.objects.count() == 1, "nobody asks while it is suspended"
    assert all(notes(chat.id, "asker") == [] for chat in chats)

    model.default = says("Good.")
    reactor.probe(asker)
    reactor.work_off(asker)

    assert {chat.id: notes(chat.id, "asker") for chat in chats} == turns
    assert not Bookmark.objects.filter(wedged_at__isnull=False).exists()
    assert not Attempt.objects.filter(outcome__in=history.CHARGED).exists()


def test_words_need_no_endpoint_that_is_suspended(noter, reactor, settings):
    settings.READER_MODEL, settings.READER_URL = "scripted", "http://127.0.0.1:9/v1"
    breaker.suspend(breaker.endpoint_of(noter), reason="This key is not valid.")
    chat = make_chat()
    turn = say(chat, "One")
    seeding.notice([noter])
    assert lanes.claim(noter, worker="w") is None

    settings.READER = "words"
    reactor.work_off(noter)

    assert notes(chat.id) == [turn]


def test_without_a_model_what_needs_one_backs_off_until_there_is_one(noter, reactor):
    chat = make_chat()
    turn = say(chat, "One")
    noter.act = fail_on("One", NoReaderError())
    seeding.notice([noter])

    assert reactor.step(noter)

    assert outcomes(turn) == [State.FAILED]
    assert (lane(chat).wedged_at, SuspendedEndpoint.objects.exists()) == (None, False)


def test_closing_ends_a_probe_that_waits_for_the_model(quick, transactional_db, settings, model):
    settings.READER_MODEL, settings.READER_URL = "scripted", model.url
    asker, reactor = Asker(), Reactor()
    breaker.suspend(breaker.endpoint_of(asker), reason="no")
    model.default = stall()
    probing = threading.Thread(target=lambda: (reactor.probe(asker), connection.close()), daemon=True)
    probing.start()
    model.wait_for_request(1)

    reactor.close()

    probing.join(10)
    assert not probing.is_alive()
    assert SuspendedEndpoint.objects.exists()
