"""The deciders: what may be done to a lane, by values alone."""

from dataclasses import replace

import pytest
from django.utils import timezone

from agent.desk_models import PERMISSIONS
from agent.operations.command import (
    PRESETS,
    Command,
    MalformedKeyError,
    NoReasonError,
    ReasonTooLongError,
    UnknownPresetError,
    address,
    presets_of,
)
from agent.operations.dismiss import (
    MOST_SKIPPED,
    DismissEvent,
    EventPassedError,
    Found,
    KindNotReadError,
    NoSuchEventError,
    OtherSkippedError,
    ProjectionError,
    decide,
)
from agent.operations.drill import DrillUnderWayError
from agent.operations.drill import decide as decide_drill
from agent.operations.lane import Declared, Lane, LaneMovedError, NoSuchLaneError
from agent.operations.pause import AlreadyPausedError, NotPausedError, Paused, decide_pause, decide_resume
from agent.operations.problems import problem_of
from agent.operations.regenerate import decide as decide_regeneration
from agent.operations.restore import decide as decide_restoration
from agent.operations.retry import NothingToRetryError, RetryLane
from agent.operations.retry import decide as decide_retry
from agent.operations.turn import FoundTurn
from agent.registry import NoSuchSubscriberError
from chat.story.decisions import DECLINED, PROMOTED
from chat.turns.cautions import StaleCautionError
from chat.turns.cautions import decide as decide_caution
from chat.turns.claims import NotAReplyError, ReplyRunningError
from chat.turns.rewriting import StandsAlreadyError
from chat.turns.standing import NotStandingError

NOTER = Declared(name="noter", kind="reaction", reads=frozenset({"user_turn"}))
WEDGED = Lane(
    subscriber="noter",
    stream="chat-4",
    position=10,
    fence=3,
    state="wedged",
    wedged_at=timezone.now(),
    next_event=12,
    attempts=2,
)
FOUND = Found(reaction=NOTER, lane=WEDGED, kind="user_turn", pending=(12,))


def found(**other) -> Found:
    said = {"reaction": FOUND.reaction, "lane": FOUND.lane, "kind": FOUND.kind, "pending": FOUND.pending}
    return Found(**said | other)


def dismissal(**said) -> DismissEvent:
    return DismissEvent(**{"reaction": "noter", "event_id": 12, "reason": "Cannot be read", **said})


def test_the_next_event_is_dismissed_alone():
    assert decide(FOUND, dismissal()).skipped == (12,)


@pytest.mark.parametrize(
    ("otherwise", "following", "state"),
    [({}, 14, "behind"), ({}, None, "live"), ({"paused": True}, 14, "paused")],
)
def test_it_is_said_how_the_lane_stands_afterwards(otherwise, following, state):
    lane = replace(WEDGED, wedged_reason="no JSON", fingerprint="f", **otherwise)

    after = decide(found(lane=lane, following=following), dismissal()).after

    assert (after.position, after.next_event, after.state) == (12, following, state)
    assert (after.attempts, after.wedged_at, after.wedged_reason, after.fingerprint) == (0, None, "", "")


def test_an_event_further_on_takes_those_between_along_when_their_number_is_said():
    assert decide(found(pending=(12, 14, 15)), dismissal(event_id=15, expected_skipped=2)).skipped == (12, 14, 15)


@pytest.mark.parametrize("said", [0, 1, 3])
def test_another_number_than_is_true_is_refused(said):
    with pytest.raises(OtherSkippedError) as refused:
        decide(found(pending=(12, 14, 15)), dismissal(event_id=15, expected_skipped=said))

    assert refused.value.present["next_event"] == 12


def test_nobody_skips_a_whole_story():
    many = tuple(range(12, 12 + MOST_SKIPPED + 1))

    with pytest.raises(OtherSkippedError):
        decide(found(pending=many), dismissal(event_id=many[-1], expected_skipped=len(many) - 1))


def test_the_token_of_the_lane_as_it_stands_is_taken():
    assert decide(FOUND, dismissal(preview_token=WEDGED.token)).skipped == (12,)


@pytest.mark.parametrize("moved", [{"position": 11}, {"fence": 4}, {"attempts": 3}, {"state": "backing off"}])
def test_a_token_of_another_moment_is_refused(moved):
    said = {name: getattr(WEDGED, name) for name in WEDGED.__slots__}
    now = Lane(**said | moved)

    with pytest.raises(LaneMovedError):
        decide(found(lane=now), dismissal(preview_token=WEDGED.token))


@pytest.mark.parametrize("event", [10, 9, 1])
def test_an_event_at_or_behind_the_bookmark_is_dealt_with(event):
    with pytest.raises(EventPassedError):
        decide(found(pending=()), dismissal(event_id=event))


@pytest.mark.parametrize(
    ("missing", "refusal"),
    [
        ({"reaction": None}, NoSuchSubscriberError),
        ({"reaction": Declared(name="noter", kind="projection", reads=NOTER.reads)}, ProjectionError),
        ({"kind": None}, NoSuchEventError),
        ({"kind": "chat_renamed"}, KindNotReadError),
        ({"lane": None}, NoSuchLaneError),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(missing, refusal):
    with pytest.raises(refusal) as refused:
        decide(found(**missing), dismissal())

    assert refused.value.status == 404


@pytest.mark.parametrize("reason", ["", " ", "\n\t ", "\u2003", "\x00"])
def test_a_blank_reason_is_none(reason):
    with pytest.raises(NoReasonError):
        dismissal(reason=reason).checked()


def test_a_reason_is_trimmed_before_it_is_measured():
    assert dismissal(reason=f"  {'x' * 2000}\n").checked().reason == "x" * 2000
    with pytest.raises(ReasonTooLongError):
        dismissal(reason="x" * 2001).checked()


def test_a_preset_has_to_be_one_and_is_no_reason():
    dismissal(preset="duplicate").check_preset()
    with pytest.raises(UnknownPresetError):
        dismissal(preset="because").check_preset()
    with pytest.raises(UnknownPresetError, match="unreadable, duplicate"):
        dismissal(preset="out_of_character").check_preset()
    with pytest.raises(NoReasonError):
        dismissal(preset="duplicate", reason="").checked()


def test_each_act_has_presets_of_its_own():
    assert set(presets_of("regenerate_turn")) == {"out_of_character", "against_the_story", "test", "other"}
    assert "out_of_character" not in presets_of("dismiss_event")
    assert set(presets_of("retry_lane")) == {"fixed_by_hand", "mended", "test", "other"}
    acts = {codename for codename, _ in PERMISSIONS}
    assert all(acts.issuperset(preset.acts) for preset in PRESETS.values())


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb"])
def test_a_key_that_cannot_be_kept_is_refused(key):
    with pytest.raises(MalformedKeyError):
        dismissal(key=key).checked()


def test_two_commands_are_the_same_whatever_their_key_and_their_blanks():
    assert dismissal(key="a").checked().digest() == dismissal(key="b", reason=" Cannot be read ").checked().digest()
    assert dismissal().digest() != dismissal(reason="Another").digest()
    assert RetryLane(subscriber="noter", stream="chat-4").digest() != dismissal().digest()


def test_a_lane_that_is_well_has_nothing_to_retry():
    retry = RetryLane(subscriber="noter", stream="chat-4")
    assert decide_retry(WEDGED, retry) is WEDGED
    with pytest.raises(NothingToRetryError):
        decide_retry(Lane(subscriber="noter", stream="chat-4", position=10, fence=3, state="live"), retry)
    with pytest.raises(NoSuchLaneError):
        decide_retry(None, retry)
    with pytest.raises(LaneMovedError):
        decide_retry(WEDGED, RetryLane(subscriber="noter", stream="chat-4", preview_token="old"))


def test_what_is_paused_is_resumed_and_nothing_else():
    running, paused = Paused(subscriber=True, lane=True), Paused(subscriber=True, lane=True, since=timezone.now())

    assert decide_pause(running) is running
    assert decide_resume(paused) is paused
    with pytest.raises(AlreadyPausedError):
        decide_pause(paused)
    with pytest.raises(NotPausedError):
        decide_resume(running)
    with pytest.raises(NoSuchSubscriberError):
        decide_pause(Paused(subscriber=False, lane=True))
    with pytest.raises(NoSuchLaneError):
        decide_resume(Paused(subscriber=True, lane=False))


def test_a_reply_that_stands_is_written_anew():
    decide_regeneration(FoundTurn(id=12, is_reply=True, standing=12))


@pytest.mark.parametrize(
    ("otherwise", "refusal"),
    [
        ({"is_reply": False}, NotAReplyError),
        ({"standing": 15}, NotStandingError),
        ({"standing": None}, NotStandingError),
        ({"reply_running": True}, ReplyRunningError),
        # Of several reasons the one that waiting does not heal is told.
        ({"is_reply": False, "standing": 15, "reply_running": True}, NotAReplyError),
        ({"standing": 15, "reply_running": True}, NotStandingError),
    ],
)
def test_nothing_else_is_written_anew(otherwise, refusal):
    with pytest.raises(refusal):
        decide_regeneration(FoundTurn(**{"id": 12, "is_reply": True, "standing": 12, **otherwise}))


def test_who_regenerates_what_was_rewritten_is_told_what_stands():
    with pytest.raises(NotStandingError, match="another writing stands") as refused:
        decide_regeneration(FoundTurn(id=12, is_reply=True, standing=15))
    assert problem_of(refused.value)["present"] == {"standing": 15}


@pytest.mark.parametrize("standing", [15, None])
@pytest.mark.parametrize("is_reply", [True, False])
def test_a_writing_that_does_not_stand_is_restored_whoever_said_it(standing, is_reply):
    decide_restoration(FoundTurn(id=12, is_reply=is_reply, standing=standing, reply_running=True))


def test_a_writing_that_stands_is_not_restored():
    with pytest.raises(StandsAlreadyError):
        decide_restoration(FoundTurn(id=12, is_reply=True, standing=12))


@pytest.mark.parametrize(
    ("verdict", "choice", "stale", "changes"),
    [
        ("", PROMOTED, False, True),
        ("", DECLINED, True, True),
        (PROMOTED, DECLINED, True, True),
        (DECLINED, PROMOTED, False, True),
        (PROMOTED, PROMOTED, True, False),
        (DECLINED, DECLINED, True, False),
    ],
)
def test_a_caution_is_judged_and_judged_otherwise(verdict, choice, stale, changes):
    assert decide_caution(verdict, choice=choice, stale=stale) is changes


def test_no_stale_caution_is_promoted():
    with pytest.raises(StaleCautionError):
        decide_caution(DECLINED, choice=PROMOTED, stale=True)


def test_one_drill_at_a_time():
    decide_drill(under_way=False)
    with pytest.raises(DrillUnderWayError):
        decide_drill(under_way=True)


def test_a_target_is_told_in_one_line():
    assert address({"subscriber": "noter", "stream": "chat-4", "event": 12}) == "noter/chat-4 #12"
    assert address({"token": 3}) == "token 3"
    assert issubclass(DismissEvent, Command)
