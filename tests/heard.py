"""An announcer for tests: it keeps the news of a reply and lets a test await it."""

import asyncio

from chat.turns import generation
from chat.turns.announce import Chunk, News


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
