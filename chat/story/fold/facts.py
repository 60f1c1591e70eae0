"""What follows from turns: story events, memories, relationships, milestones, readings, decisions."""

from dataclasses import asdict

from django.db.models import BigIntegerField, Case, Exists, Subquery, Value, When
from django.db.models.functions import Coalesce

from chat.log.models import Event
from chat.rows import fetch, insert
from chat.story import lifecycle
from chat.story.fact_models import (
    Decision,
    Memory,
    Milestone,
    RelationshipChange,
    StoryEvent,
    StoryTransition,
    TurnReading,
)
from chat.story.fact_payloads import (
    DecisionRegistered,
    EventCancelled,
    EventCompleted,
    EventEdited,
    EventPlanned,
    EventStarted,
    EventStatusReverted,
    Fact,
    MemoryDismissed,
    MemoryFormed,
    MemoryRecalled,
    MilestoneReached,
    RelationshipChanged,
    Transition,
    TurnRead,
    cause_of,
)
from chat.story.models import Chat, Turn

type _Said = MemoryFormed | RelationshipChanged | MilestoneReached
type _Kept = Memory | RelationshipChange | Milestone


def apply(chat: Chat, event: Event, payload: Fact) -> None:  # noqa: C901  (one line a kind)
    """Write the rows of one event."""
    match payload:
        case EventPlanned():
            _plan(chat, event, payload)
        case EventStarted() | EventCompleted() | EventCancelled():
            _change(chat, event, payload)
        case EventEdited():
            StoryEvent.objects.filter(chat=chat, id=payload.story_event).update(
                title=payload.title, description=payload.description
            )
        case EventStatusReverted():
            _revert(chat, event, payload)
        case MemoryFormed():
            _keep(Memory, chat, event, payload)
        case MemoryDismissed():
            Memory.objects.filter(chat=chat, id=payload.memory, dismissed_by=None).update(dismissed_by=event.position)
        case MemoryRecalled():
            Memory.objects.filter(chat=chat, id=payload.memory).update(dismissed_by=None)
        case RelationshipChanged():
            _keep(RelationshipChange, chat, event, payload)
        case MilestoneReached():
            _keep(Milestone, chat, event, payload)
        case TurnRead():
            row = TurnReading(id=event.position, chat=chat, turn=payload.turn, reader=payload.reader, note=payload.note)
            insert([row])
        case DecisionRegistered():
            _decide(chat, event, payload)


def _plan(chat: Chat, event: Event, planned: EventPlanned) -> None:
    turn = cause_of(planned)
    cause = _cause(turn)
    row = StoryEvent(
        id=event.position,
        chat=chat,
        title=planned.title,
        description=planned.description,
        status=StoryEvent.Status.PLANNED,
        status_position=event.position,
        planned_by=turn,
        because_of=turn,
        place=cause.place if cause else event.position,
        witnesses=cause.witnesses if cause else None,
    )
    insert([row])


def _change(chat: Chat, event: Event, transition: Transition) -> None:
    story_event = fetch(StoryEvent, chat_id=chat.id, id=transition.story_event)
    turn, change = cause_of(transition), lifecycle.change_of(transition)
    cause = _cause(turn)
    before: lifecycle.Status = story_event.status  # type: ignore[assignment]
    status = lifecycle.after(before, change)
    row = StoryTransition(
        id=event.position,
        chat=chat,
        story_event=story_event.id,
        change=change,
        status=status or before,
        turn=turn,
        place=cause.place if cause else event.position,
        witnesses=cause.witnesses if cause else chat.present,
        # A reader may answer after the player has moved it by hand; the player's word stands.
        void=status is None,
    )
    insert([row])
    if status is not None:
        StoryEvent.objects.filter(id=story_event.id).update(
            status=status, status_position=event.position, because_of=turn
        )


def _revert(chat: Chat, event: Event, reverted: EventStatusReverted) -> None:
    transitions = StoryTransition.objects.filter(chat=chat, story_event=reverted.story_event)
    transitions.filter(id=reverted.reverts, reverted_by=None).update(reverted_by=event.position)
    last = transitions.filter(void=False, reverted_by=None).order_by("-id")
    # Only what this very transition had set: what another turn did on its own stands.
    StoryEvent.objects.filter(chat=chat, id=reverted.story_event, status_position=reverted.reverts).update(
        status=reverted.prior_status,
        # As if the last one that stands had just happened, so that it can be taken back in its turn.
        status_position=Coalesce(Subquery(last.values("id")[:1]), event.position),
        because_of=Case(
            When(Exists(last), then=Subquery(last.values("turn")[:1])),
            default=Value(reverted.turn, output_field=BigIntegerField()),
        ),
    )


def _keep(model: type[_Kept], chat: Chat, event: Event, said: _Said) -> None:
    """Keep what an event says, word for word, at the place of the turn that caused it."""
    insert([model(id=event.position, chat=chat, place=_place(event, said.turn), **asdict(said))])


def _decide(chat: Chat, event: Event, registered: DecisionRegistered) -> None:
    row = Decision(
        id=event.position,
        chat=chat,
        context=registered.context,
        choice=registered.choice,
        reasoning=registered.reasoning,
        decided_by=registered.decided_by,
        turns=list(registered.turns),
        about=registered.about,
        scene=registered.scene,
        body=registered.body,
        # It follows from all of its turns, so it stands after the last of them.
        place=_last_place(event, registered.turns),
        decided_at=event.recorded_at,
    )
    insert([row])
    if registered.about is not None:
        Decision.objects.filter(chat=chat, id=registered.about).update(verdict=registered.choice)


def _cause(turn: int | None) -> Turn | None:
    return None if turn is None else fetch(Turn, id=turn)


def _place(event: Event, turn: int | None) -> int:
    cause = _cause(turn)
    return cause.place if cause else event.position


def _last_place(event: Event, turns: tuple[int, ...]) -> int:
    places = Turn.objects.filter(id__in=turns).order_by("-place").values_list("place", flat=True)
    return next(iter(places[:1]), event.position)
