"""An announcer for tests: it keeps the news of a reply and lets a test await it; and playing with it."""

import asyncio

from chat.database import in_thread
from chat.story.models import Chat
from chat.turns import exchange, generation
from chat.turns.announce import Chunk, News
from tests.factories import owner_of


class Heard:
    """What was announced, in order."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self._more = asyncio.Condition()

    def announce(self, news: News) -> None:
        self.news.append(news)
        generation.spawn(self._tell())

    async def until(self, kind: type, number: int = 1) -> list[News]:
        async with asyncio.timeout(20), self._more:
            await self._more.wait_for(lambda: len(self.of(kind)) >= number)
        return self.of(kind)

    def of(self, kind: type) -> list[News]:
        return [one for one in self.news if isinstance(one, kind)]

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.of(Chunk))

    async def _tell(self) -> None:
        async with self._more:
            self._more.notify_all()


async def post(chat: Chat, text: str, heard: Heard, **how: object) -> exchange.Posted:
    user = await in_thread(owner_of, chat)
    return await exchange.post_turn(chat, user=user, text=text, announcer=heard, **how)


async def live(chat: Chat) -> list[tuple[str, str, str]]:
    turns = await in_thread(lambda: list(chat.turns.live().in_story_order()))
    return [(turn.speaker_name, turn.text, turn.state) for turn in turns]
