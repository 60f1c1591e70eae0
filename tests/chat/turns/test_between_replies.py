"""What comes between two statements of somebody else's: Stop between two replies, a deletion during a claim."""

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chat.database import in_thread
from chat.story import rebuild
from chat.story.meanwhile_payloads import MeanwhileOpened
from chat.story.models import Chat
from chat.turns import claims, exchange, generation, interject, leases, meanwhile, regenerate, rewriting
from chat.turns.announce import Ended, News
from chat.turns.claims import Claim, ReplyRunningError
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.factories import cast_of, owner_of, say
from tests.facts import reply, texts
from tests.heard import Heard
from tests.model_server import say as answer
from tests.servers import eventually

pytestmark = pytest.mark.django_db(transaction=True)

only_with_row_locks = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="whoever writes on SQLite has the whole database to itself"
)


class StopsAtTheEnd(Heard):
    """A player who presses Stop at the very moment in which a reply is whole."""

    def __init__(self, chat: Chat) -> None:
        super().__init__()
        self.chat = chat

    def announce(self, news: News) -> None:
        super().announce(news)
        if isinstance(news, Ended):
            generation.spawn(exchange.stop(self.chat))


def claim(chat: Chat) -> Claim:
    claimed = claims.claim_reply(chat.id, now=timezone.now(), rng=random.Random(1))
    assert claimed is not None
    return claimed


def end(claimed: Claim, text: str = "Words.") -> int | None:
    how = Settled(state=Generation.State.FINISHED, text=text)
    return leases.settle(claimed, how, at=timezone.now())


def elsewhere(call: Callable[[], object]) -> Future[object]:
    """Call it on a connection of its own; what comes of it."""

    def run() -> object:
        try:
            return call()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    called = pool.submit(run)
    pool.shutdown(wait=False)
    return called


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


async def test_stop_at_the_end_of_a_reply_ends_the_rewriting_from_a_turn_on(server, chat):
    turns = await in_thread(lambda: [reply(chat, "Mara", f"Answer {number}.") for number in (1, 2, 3)])
    server.script(*(answer(f"New {number}.") for number in (1, 2, 3)))

    user = await in_thread(owner_of, chat)
    await regenerate.rewrite_from(chat, turn=turns[0], user=user, announcer=StopsAtTheEnd(chat))
    await generation.idle()

    assert (await in_thread(texts, chat))[1:] == ["Answer 2.", "Answer 3."]


def test_after_a_stop_between_two_replies_the_next_one_is_not_written_anew(chat):
    first, second = reply(chat, "Mara", "One."), reply(chat, "Mara", "Two.")
    claimed = claims.claim_rewriting(chat.id, turn=first, asked_by="user:1", now=timezone.now())
    end(claimed)

    leases.request_stop(chat.id)

    with pytest.raises(regenerate.StoppedError):
        regenerate.claim_next(claimed, turn=second, now=timezone.now())
    assert not Generation.objects.filter(state="running").exists()


def test_after_a_stop_between_two_turns_of_a_meanwhile_nobody_goes_on(chat):
    wish = MeanwhileOpened(characters=tuple(cast_of(chat).values()), direction="", turns=3)
    claimed = meanwhile.claim_first(chat, wish, by=owner_of(chat), now=timezone.now())
    end(claimed)

    leases.request_stop(chat.id)

    assert meanwhile.claim_following(claimed, now=timezone.now()) is None


def test_a_stop_while_the_last_words_are_settled_ends_a_meanwhile(chat):
    wish = MeanwhileOpened(characters=tuple(cast_of(chat).values()), direction="", turns=3)
    claimed = meanwhile.claim_first(chat, wish, by=owner_of(chat), now=timezone.now())

    assert leases.request_stop(chat.id) is True
    end(claimed)

    assert meanwhile.claim_following(claimed, now=timezone.now()) is None


def test_after_a_stop_at_the_end_of_a_reply_nobody_speaks_up(chat):
    say(chat, "Mara?")
    primary = end(claim(chat))

    leases.request_stop(chat.id)

    assert interject.claim_interjection(primary, rewrites=None, now=timezone.now()) is None


def test_a_stop_ends_nothing_that_is_asked_for_later(chat):
    turn = reply(chat, "Mara", "One.")
    end(claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now()))
    leases.request_stop(chat.id)

    say(chat, "Mara?")
    primary = end(claim(chat))

    assert interject.claim_interjection(primary, rewrites=None, now=timezone.now()) is not None


@only_with_row_locks
def test_a_stop_while_the_next_reply_is_claimed_reaches_that_one(chat):
    first, second = reply(chat, "Mara", "One."), reply(chat, "Mara", "Two.")
    before = claims.claim_rewriting(chat.id, turn=first, asked_by="user:1", now=timezone.now())
    end(before)

    with transaction.atomic():
        claimed = regenerate.claim_next(before, turn=second, now=timezone.now())
        stop = elsewhere(lambda: leases.request_stop(chat.id))
        eventually(lambda: stop.done() or waits_for_a_lock(), what="the stop")

    assert stop.result(timeout=20) is True
    assert leases.stop_requested(claimed.generation)


@only_with_row_locks
def test_a_reply_to_a_turn_that_was_deleted_during_its_claim_goes_with_it_and_comes_with_it(chat):
    turn = say(chat, "Mara?")
    with transaction.atomic():
        claimed = claim(chat)
        elsewhere(lambda: rewriting.delete(chat, turn=turn, by=owner_of(chat))).result(timeout=20)
    assert texts(chat) == []

    end(claimed, "“Yes?”")

    assert texts(chat) == []
    assert rebuild.differences(chat.id) == []
    rewriting.undelete(chat, turn=turn, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "“Yes?”"]


@only_with_row_locks
def test_a_new_writing_of_a_turn_that_was_deleted_during_its_claim_is_deleted_too(chat):
    turn = reply(chat, "Mara", "One.")
    with transaction.atomic():
        claimed = claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
        elsewhere(lambda: rewriting.delete(chat, turn=turn, by=owner_of(chat))).result(timeout=20)

    end(claimed, "Two.")

    assert texts(chat) == []
    assert rebuild.differences(chat.id) == []


def test_a_turn_cannot_be_deleted_once_its_reply_is_claimed(chat):
    turn = say(chat, "Mara?")
    claim(chat)

    with pytest.raises(ReplyRunningError):
        rewriting.delete(chat, turn=turn, by=owner_of(chat))
