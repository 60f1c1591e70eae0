"""What the caution drafter looks at, and whom a caution made from it may be for."""

from collections.abc import Iterable
from dataclasses import dataclass

from agent.reactions.scene_page import scene_page
from agent.subscriptions.base import chat_of
from chat.log.models import Event
from chat.story import decisions
from chat.story.fact_models import Decision
from chat.story.models import Chat, Turn
from chat.story.payloads import SceneClosed, kind_of
from chat.story.rewriting_payloads import TurnSuperseded

#: Of a rewritten turn the later ones that are read with it.
LATER_TURNS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """Turns to look at, and whom a caution made from them may be for."""

    turns: tuple[Turn, ...]
    names: dict[int, str]
    may_hear: tuple[int, ...]


def watched(event: Event) -> list[Watched]:
    """The closed scene; after a turn fell, what each caution rested on that fell with it, else what stands instead."""
    chat = Chat.objects.get(id=chat_of(event))
    if event.kind == kind_of(SceneClosed):
        page = scene_page(chat.id, event.payload["scene"])
        return _looks(chat, [page.turns] if page else [])
    standing = [_standing(chat, caution) for caution in _fallen_with(chat, event.payload["turn"])]
    # What went along with another turn has that one's rewriting to look at it.
    if not standing and event.kind == kind_of(TurnSuperseded) and event.payload.get("went_with") is None:
        standing = [_instead(chat, event.payload["by"])]
    return _looks(chat, [turns for turns in dict.fromkeys(standing) if not _is_decided(chat, turns)])


def _looks(chat: Chat, found: Iterable[tuple[Turn, ...]]) -> list[Watched]:
    names = dict(chat.cast.values_list("character", "name"))
    return [Watched(turns=turns, names=names, may_hear=_witnesses(turns, names)) for turns in found if turns]


def _witnesses(turns: tuple[Turn, ...], names: dict[int, str]) -> tuple[int, ...]:
    """Those of the cast who saw all of it."""
    return tuple(who for who in sorted(names) if all(who in turn.witnesses for turn in turns))


def _fallen_with(chat: Chat, turn: int) -> list[Decision]:
    """The cautions that rested on this turn, nobody has declined, and are stale."""
    drafted = Decision.objects.filter(chat=chat, choice=decisions.CAUTION_DRAFTED).exclude(verdict=decisions.DECLINED)
    rested = [caution for caution in drafted.order_by("id") if turn in caution.turns]
    stale = decisions.stale_of(rested)
    return [caution for caution in rested if caution.id in stale]


def _standing(chat: Chat, caution: Decision) -> tuple[Turn, ...]:
    """What stands now where it was made from."""
    places = chat.turns.filter(id__in=caution.turns).values("place")
    return tuple(chat.turns.live().filter(place__in=places).in_story_order())


def _is_decided(chat: Chat, turns: tuple[Turn, ...]) -> bool:
    """Whether it was decided already if these turns need a caution: several may have fallen at once."""
    of_these = Decision.objects.filter(context=decisions.CAUTION_PROPOSAL, turns=[turn.id for turn in turns])
    return of_these.filter(chat=chat).exists()


def _instead(chat: Chat, turn: int) -> tuple[Turn, ...]:
    """The turn if it stands, and what its witnesses saw next."""
    standing = chat.turns.live().filter(id=turn).first()
    if standing is None:
        return ()
    later = chat.turns.live().filter(place__gt=standing.place).in_story_order()[:LATER_TURNS]
    saw = set(standing.witnesses)
    return (standing, *(turn for turn in later if saw <= set(turn.witnesses)))
