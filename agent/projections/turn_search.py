"""Full text of every turn: PostgreSQL's tsvector or SQLite's FTS5; feeds the search over all one's chats.

Whether a turn still stands is asked of the story when somebody searches, so a supersede changes nothing here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import connection

from agent.models import SearchedTurn
from agent.models import Subscriber as Row
from agent.projections.snippets import Piece, snippet
from agent.subscriptions.base import Projection, chat_of
from chat.log.models import Event

LIMIT = 20
#: Of what somebody types, this many words are looked for.
MOST_WORDS = 12

_FROM = """
FROM agent_searchedturn w
{words}
JOIN chat_turn t ON t.id = w.turn AND t.superseded_by IS NULL
JOIN chat_chat c ON c.id = w.chat AND c.deleted_at IS NULL
JOIN chat_membership m ON m.chat_id = c.id AND m.user_id = %s
WHERE w.epoch = %s AND {matches}
ORDER BY w.turn DESC LIMIT %s"""
_SELECT = "SELECT c.id, c.title, t.id, t.place, t.speaker_name, t.text"
_MATCH = {
    "postgresql": {
        "words": "",
        "matches": "to_tsvector('simple', w.text) @@ to_tsquery('simple', %s)",
    },
    "sqlite": {
        "words": "JOIN agent_turnwords f ON f.rowid = w.id",
        "matches": "f.agent_turnwords MATCH %s",
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A turn that was found, with what a link to it needs."""

    chat: int
    title: str
    turn: int
    place: int
    speaker: str
    #: The text round the words, in pieces that are one of them or not.
    pieces: tuple[Piece, ...]


class TurnSearch(Projection):
    """The words of every turn."""

    name: ClassVar[str] = "turn_search"
    kinds: ClassVar[tuple[str, ...]] = ("user_turn", "assistant_turn")

    def apply(self, events: Sequence[Event], *, epoch: int) -> None:
        """One row a turn."""
        if connection.vendor == "postgresql":
            _insert_at_once(events, epoch)
        else:
            _insert_with_words(events, epoch)

    def clear(self, *, epoch: int) -> None:
        """Forget the words of an epoch."""
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(
                    "DELETE FROM agent_turnwords WHERE rowid IN (SELECT id FROM agent_searchedturn WHERE epoch = %s)",
                    [epoch],
                )
            cursor.execute("DELETE FROM agent_searchedturn WHERE epoch = %s", [epoch])


def search(user_id: int, text: str, *, limit: int = LIMIT) -> list[Hit]:
    """Live turns of the user's own chats in which every word stands (the last one may go on), newest first."""
    words = re.findall(r"\w+", text)[:MOST_WORDS]
    if not words:
        return []
    parts = _MATCH[connection.vendor]
    epoch = Row.objects.filter(name=TurnSearch.name).values_list("epoch", flat=True).first() or 0
    with connection.cursor() as cursor:
        cursor.execute(_SELECT + _FROM.format(**parts), [user_id, epoch, _query(words), limit])
        return [_hit(row, words) for row in cursor.fetchall()]


def _insert_at_once(events: Sequence[Event], epoch: int) -> None:
    # By their positions: sending the words back to where they came from takes most of a batch's time.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO agent_searchedturn (epoch, chat, turn, text)"
            " SELECT %s, stream_id, position, payload->>'text' FROM chat_event WHERE position = ANY(%s::bigint[])",
            [epoch, [event.position for event in events]],
        )


def _insert_with_words(events: Sequence[Event], epoch: int) -> None:
    rows = SearchedTurn.objects.bulk_create(
        [
            SearchedTurn(epoch=epoch, chat=chat_of(event), turn=event.position, text=event.payload["text"])
            for event in events
        ]
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO agent_turnwords (rowid, text) VALUES (%s, %s)", [(row.pk, row.text) for row in rows]
        )


def _query(words: Sequence[str]) -> str:
    if connection.vendor == "sqlite":
        return " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
    return " & ".join([*(f"'{word}'" for word in words[:-1]), f"'{words[-1]}':*"])


def _hit(row: Sequence[Any], words: Sequence[str]) -> Hit:
    chat, title, turn, place, speaker, text = row
    return Hit(chat=chat, title=title, turn=turn, place=place, speaker=speaker, pieces=snippet(text, words))
