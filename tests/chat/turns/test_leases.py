import random
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from chat.story import rebuild
from chat.story.models import Chat
from chat.turns import claims, exchange, leases, openers, rewriting, scenes
from chat.turns.claims import Claim, NothingToRetryError, ReplyRunningError
from chat.turns.leases import LeaseLostError, Settled
from chat.turns.models import Generation
from chat.turns.transcript import pending_notice
from tests.factories import cast_of, make_chat, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)
State = Generation.State


def claim(chat: Chat) -> Claim | None:
    return claims.claim_reply(chat.id, now=timezone.now(), rng=random.Random(1))


def settle(claimed: Claim, state: Generation.State, text: str = "") -> int | None:
    return leases.settle(claimed, Settled(state=state, text=text), at=timezone.now())


def retry(chat: Chat) -> Claim:
    return claims.claim_retry(chat.id, generation=None, now=timezone.now())


def live_texts(chat: Chat) -> list[str]:
    return [turn.text for turn in chat.turns.live().in_story_order()]


def test_nothing_said_is_nothing_to_answer():
    assert claim(make_chat()) is None


def test_a_turn_is_answered_by_one_reply():
    chat = make_chat()
    turn = say(chat, "Ilse?")

    claimed = claim(chat)

    assert (claimed.group, claimed.speaker.name) == (turn, "Ilse")
    assert claim(chat) is None
    settle(claimed, State.FINISHED, "“Yes?”")
    assert claim(chat) is None
    assert live_texts(chat) == ["Ilse?", "“Yes?”"]


def test_turns_posted_meanwhile_are_answered_together():
    chat = make_chat()
    say(chat, "One")
    first = claim(chat)
    say(chat, "Two")
    third = say(chat, "Three, Ilse?")

    settle(first, State.FINISHED, "“Hm.”")
    second = claim(chat)

    assert second.group == third
    settle(second, State.FINISHED, "“Both.”")
    assert claim(chat) is None


def test_two_who_claim_at_once_get_one_claim():
    chat = make_chat()
    say(chat, "Anyone?")
    barrier, claims = threading.Barrier(2), []

    def run() -> None:
        try:
            barrier.wait(10)
            claims.append(claim(chat))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(one is not None for one in claims) == [False, True]


def test_a_process_that_lost_its_lease_writes_nothing():
    chat = make_chat()
    say(chat, "Anyone?")
    claimed = claim(chat)
    settle(claimed, State.INTERRUPTED, "“I")

    with pytest.raises(LeaseLostError):
        settle(claimed, State.FINISHED, "“I know.”")
    with pytest.raises(LeaseLostError):
        leases.checkpoint(claimed.generation, "more")

    assert live_texts(chat) == ["Anyone?", "“I"]


def test_a_lease_expires_by_the_databases_clock():
    chat = make_chat()
    say(chat, "Anyone?")
    claimed = claim(chat)
    assert leases.expired() == []

    Generation.objects.update(leased_until=timezone.now() - timedelta(seconds=1))

    assert [one.generation for one in leases.expired()] == [claimed.generation]
    assert leases.checkpoint(claimed.generation, "still here") is False
    assert leases.expired() == []


def test_a_stop_is_seen_at_the_next_checkpoint():
    chat = make_chat()
    assert leases.request_stop(chat.id) is False
    say(chat, "Anyone?")
    claimed = claim(chat)

    assert leases.request_stop(chat.id) is True

    assert leases.checkpoint(claimed.generation, "“I") is True


def test_a_failed_reply_stands_in_its_place_until_something_is_said():
    chat = make_chat()
    say(chat, "Anyone?")
    leases.settle(claim(chat), Settled(state=State.FAILED, error="No such model."), at=timezone.now())

    assert pending_notice(chat).error == "No such model."
    assert claim(chat) is None
    say(chat, "Well?")
    assert pending_notice(chat) is None
    assert claim(chat) is not None


def test_a_new_writing_that_failed_leaves_no_notice_at_the_storys_end():
    chat = make_chat()
    exchange.record_turn(chat, user=owner_of(chat), text="", speaker=None, key=None)
    reply = settle(claim(chat), State.FINISHED, "“At last.”")
    settle(claims.claim_rewriting(chat.id, turn=reply, asked_by="user:1", now=timezone.now()), State.FAILED)

    assert pending_notice(chat) is None


def test_a_failed_reply_to_a_turn_that_was_deleted_is_not_tried_again():
    chat = make_chat()
    turn = say(chat, "Anyone?")
    settle(claim(chat), State.STOPPED)
    rewriting.delete(chat, turn=turn, by=owner_of(chat))

    assert pending_notice(chat) is None
    with pytest.raises(NothingToRetryError):
        retry(chat)


def test_a_failed_reply_to_two_turns_is_tried_again_for_the_one_that_stands():
    chat = make_chat()
    first, second = say(chat, "Anyone?"), say(chat, "Well?")
    settle(claim(chat), State.FAILED)
    rewriting.delete(chat, turn=second, by=owner_of(chat))

    again = retry(chat)
    settle(again, State.FINISHED, "“At last.”")

    assert again.group == first
    assert live_texts(chat) == ["Anyone?", "“At last.”"]


def test_a_failed_reply_stands_after_one_that_was_stopped_while_its_turn_waited():
    chat = make_chat()
    say(chat, "Anyone?")
    first = claim(chat)
    say(chat, "Well?")
    settle(first, State.STOPPED, "“One")
    settle(claim(chat), State.FAILED)

    assert pending_notice(chat).state == State.FAILED


def test_a_retry_of_a_failed_reply_has_the_same_group_and_speaker():
    chat = make_chat()
    turn = say(chat, "Ilse?")
    settle(claim(chat), State.FAILED)

    again = retry(chat)

    assert (again.group, again.speaker.name, again.rewrites) == (turn, "Ilse", None)
    with pytest.raises(ReplyRunningError):
        retry(chat)


def test_a_retry_of_a_cut_off_reply_supersedes_it_when_it_is_whole():
    chat = make_chat()
    say(chat, "Ilse?")
    settle(claim(chat), State.INTERRUPTED, "“I w")
    say(chat, "Later.")

    again = retry(chat)
    settle(again, State.FINISHED, "“I will.”")

    assert live_texts(chat) == ["Ilse?", "“I will.”", "Later."]
    assert rebuild.differences(chat.id) == []


def test_a_retry_that_is_cut_off_too_leaves_the_first_writing_and_can_be_tried_again():
    chat = make_chat()
    say(chat, "Ilse?")
    settle(claim(chat), State.INTERRUPTED, "“I w")
    settle(retry(chat), State.STOPPED, "“We")

    assert live_texts(chat) == ["Ilse?", "“I w"]
    settle(retry(chat), State.FINISHED, "“Well.”")
    assert live_texts(chat) == ["Ilse?", "“Well.”"]
    with pytest.raises(NothingToRetryError):
        retry(chat)


def test_a_failed_reply_cannot_be_tried_again_once_another_stands_in_its_place():
    chat = make_chat()
    say(chat, "Ilse?")
    first = claim(chat)
    settle(first, State.FAILED)
    settle(retry(chat), State.FINISHED, "“Yes.”")

    with pytest.raises(NothingToRetryError):
        claims.claim_retry(chat.id, generation=first.generation, now=timezone.now())


def test_a_pick_made_while_a_reply_ran_counts_though_more_was_said_since():
    chat = make_chat()
    say(chat, "Ilse?")
    running = claim(chat)
    say(chat, "Then someone else.", speaker=cast_of(chat)["Mara"])
    say(chat, "Or whoever likes.")

    settle(running, State.FINISHED, "“Yes.”")

    assert claim(chat).speaker.name == "Mara"


def test_what_waits_is_found_however_old_and_a_claim_given_back_waits_again():
    chat = make_chat()
    later = timezone.now() + timedelta(hours=1)
    assert openers.waiting(now=later) == []
    exchange.record_turn(chat, user=owner_of(chat), text="", speaker=None, key=None)
    assert openers.waiting(now=later) == [chat.id]
    assert openers.waiting(now=timezone.now()) == []

    claimed = claim(chat)
    assert openers.waiting(now=later) == []
    claims.release(claimed)

    assert openers.waiting(now=later) == [chat.id]


def test_nobody_present_is_nobody_to_claim_for():
    chat = make_chat()
    say(chat, "Ilse?")
    for character in cast_of(chat).values():
        scenes.leave(chat, character=character, by=owner_of(chat))

    assert claim(chat) is None


def test_what_nobody_heard_draws_no_reply_until_something_else_does():
    chat = make_chat()
    owner, mara = owner_of(chat), cast_of(chat)["Mara"]
    scenes.close_scene(chat, by=owner)
    say(chat, "Is anybody here?")
    scenes.open_scene(chat, title="", present=[mara], by=owner)
    assert claim(chat) is None
    assert openers.waiting(now=timezone.now() + timedelta(hours=1)) == []

    exchange.record_turn(chat, user=owner, text="", speaker=None, key=None)

    assert claim(chat).speaker.name == "Mara"
