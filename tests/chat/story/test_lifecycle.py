from hypothesis import given
from hypothesis import strategies as st

from chat.story import lifecycle
from chat.story.fact_payloads import EventCompleted, EventStarted

statuses = st.sampled_from(lifecycle.STATUSES)


def test_what_is_completed_while_planned_was_started_and_completed():
    moved = lifecycle.transitions(7, status="planned", to="completed", cause=lifecycle.Cause(assistant_turn=41))

    assert moved == [
        EventStarted(story_event=7, triggered_by_assistant_turn_id=41),
        EventCompleted(story_event=7, triggered_by_assistant_turn_id=41),
    ]


def test_what_is_over_stays_over():
    for status in ("completed", "cancelled"):
        for wanted in lifecycle.STATUSES:
            assert lifecycle.steps(status, wanted) == ()


@given(statuses, statuses)
def test_every_way_leads_where_it_says_by_allowed_changes(status, wanted):
    steps = lifecycle.steps(status, wanted)

    here = status
    for change in steps:
        here = lifecycle.after(here, change)
        assert here is not None
    assert here == wanted or not steps
