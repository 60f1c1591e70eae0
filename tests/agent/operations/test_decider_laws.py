"""Laws of a dismissal: whatever the lane and whatever is asked, the answer is one of these."""

from django.conf import settings
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as some

from agent.operations.command import PRESETS, Command, NoReasonError, ReasonTooLongError, presets_of
from agent.operations.dismiss import Dismissal, DismissEvent, Found, decide
from agent.operations.lane import Declared, Lane, LaneConflictError
from agent.operations.problems import problem_of
from chat.errors import ChatError

KINDS = ("user_turn", "assistant_turn", "chat_renamed")
tries = how(max_examples=max(100, settings.LAW_EXAMPLES * 10), deadline=None)


@some.composite
def lanes(draw) -> tuple[Found, list[int]]:
    """A lane with the events before its bookmark, and what the decider is told of one of them."""
    position = draw(some.integers(0, 50))
    ahead = sorted(draw(some.sets(some.integers(position + 1, position + 40), max_size=12)))
    reads = frozenset(draw(some.sets(some.sampled_from(KINDS), min_size=1)))
    state = draw(some.sampled_from(["live", "behind", "running", "backing off", "wedged", "paused"]))
    lane = Lane(
        subscriber="noter",
        stream="chat-1",
        position=position,
        fence=draw(some.integers(0, 9)),
        state=state,
        next_event=ahead[0] if ahead else None,
        attempts=draw(some.integers(0, 5)),
    )
    kind = draw(some.sampled_from(["reaction", "reaction", "reaction", "projection"]))
    of = Declared(name="noter", kind=kind, reads=reads)
    found = Found(
        reaction=draw(some.sampled_from([of, of, of, None])),
        lane=draw(some.sampled_from([lane, lane, lane, None])),
        kind=draw(some.sampled_from([*KINDS, None])),
    )
    return found, ahead


@some.composite
def asked(draw) -> tuple[Found, DismissEvent]:
    found, ahead = draw(lanes())
    event = draw(some.one_of(some.sampled_from(ahead) if ahead else some.just(1), some.integers(-5, 120)))
    pending = tuple(one for one in ahead if one <= event)
    said = Found(reaction=found.reaction, lane=found.lane, kind=found.kind, pending=pending)
    token = draw(some.sampled_from(["", "", "of yesterday", found.lane.token if found.lane else ""]))
    skipped = draw(some.one_of(some.just(max(0, len(pending) - 1)), some.integers(0, 5)))
    command = DismissEvent(
        reaction="noter",
        event_id=event,
        expected_skipped=skipped,
        preview_token=token,
        reason=draw(some.text(max_size=2100)),
        preset=draw(some.sampled_from(["", *PRESETS, "because"])),
    )
    return said, command


def answer(found: Found, command: DismissEvent) -> Dismissal | ChatError:
    try:
        return decide(found, command.checked())
    except ChatError as refused:
        return refused


@tries
@given(asked())
def test_every_question_is_answered_or_refused_as_the_table_says(question):
    said = answer(*question)

    assert isinstance(said, Dismissal) or said.status in {400, 404, 409, 422}


@tries
@given(asked())
def test_what_is_skipped_is_what_lies_before_the_bookmark_up_to_the_event(question):
    found, command = question
    said = answer(found, command)
    if isinstance(said, Dismissal):
        assert said.skipped == found.pending
        assert said.skipped[-1] == command.event_id
        assert all(said.lane.position < one <= command.event_id for one in said.skipped)
        assert len(said.skipped) == command.expected_skipped + 1


@tries
@given(asked())
def test_nothing_is_done_without_a_reason(question):
    found, command = question
    said = answer(found, command)
    if isinstance(said, Dismissal):
        assert 1 <= len(command.checked().reason) <= 2000
        assert command.checked().reason == command.checked().reason.strip()


@tries
@given(asked())
def test_a_conflict_tells_how_the_lane_stands(question):
    found, command = question
    said = answer(found, command)
    if isinstance(said, LaneConflictError):
        assert problem_of(said)["present"] == found.lane.as_json() | {"preview_token": found.lane.token}
        held = DismissEvent(
            reaction="noter", event_id=command.event_id, reason="x", preview_token=said.present["preview_token"]
        )
        assert type(answer(found, held)).__name__ != "LaneMovedError"


@tries
@given(asked())
def test_the_same_question_has_the_same_answer_and_the_same_digest(question):
    found, command = question
    first, second = answer(found, command), answer(found, command)
    if isinstance(first, Dismissal):
        assert first == second
    else:
        assert type(first) is type(second)
    assert command.digest() == command.digest()


@tries
@given(some.text(max_size=2100), some.sampled_from(["", *presets_of(DismissEvent.act)]))
def test_checking_a_command_twice_changes_nothing(reason, preset):
    command = DismissEvent(reaction="noter", event_id=1, reason=reason, preset=preset)
    try:
        checked = command.checked()
    except (NoReasonError, ReasonTooLongError):
        return

    assert checked.checked() == checked
    assert isinstance(checked, Command)
