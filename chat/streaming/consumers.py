"""One tab's WebSocket: who it is, what it missed, then everything of its room; and the commands it sends."""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from chat.database import in_thread
from chat.errors import ChatError
from chat.log.text import clean, whole
from chat.story.access import get_chat_for
from chat.story.models import Chat
from chat.streaming.frame import Frame
from chat.streaming.frames import error, reset
from chat.streaming.hub import Hub, hub
from chat.streaming.outbox import Outbox
from chat.streaming.rooms import Member, Room
from chat.streaming.sessions import Admitted, admit, session_key
from chat.turns import exchange, regenerate
from chat.turns.generation import spawn

logger = logging.getLogger(__name__)

#: Close codes are 4000 and an HTTP status; this one is RFC 6455's "internal error": the tab connects again.
SOMETHING_WENT_WRONG = 1011


class BadPositionError(ChatError):
    """`since` must be a position of the log: a whole number."""

    status = 400


class BadCommandError(ChatError):
    """That was no command: send {"type": "turn", "text": "…"}, or one of type stop, retry, or regenerate (turn_id)."""

    status = 400


class ChatConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """A tab that looks at a chat."""

    # No channel of its own: the process has one for all tabs, and a dead broker must not turn a tab away.
    channel_layer_alias = "none"

    hub: Hub
    room: Room | None = None
    member: Member | None = None
    admitted: Admitted
    sender: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run until the tab is gone, and leave the room behind as it was."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.sender is not None:
                self.sender.cancel()
            if self.room is not None:
                if self.member is not None:
                    self.room.leave(self.member)
                self.hub.leave(self.room)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler of a message."""
        # Channels' own would go through a thread first, to close connections that `in_thread` looks after.
        await getattr(self, get_handler_name(message))(message)

    # --- Coming and going ------------------------------------------------------------------------------

    async def websocket_connect(self, _: dict[str, Any]) -> None:
        """Let the tab in, or close with 4000 and the status of what is wrong."""
        await self.base_send({"type": "websocket.accept"})
        try:
            since = _since(self.scope)
            session = session_key(self.scope)
            self.admitted = await in_thread(admit, session, self.chat_id)
        except ChatError as refusal:
            await self._close(4000 + refusal.status)
            return
        head = self.admitted.head
        first = [] if since is None or since <= head else [reset(head)]
        self.hub = hub()
        self.room = self.hub.enter(self.chat_id, head=head)
        member = self.member = Member(session)
        missed = await self.room.join(member, since=head if since is None else min(since, head))
        self.sender = spawn(self._send(member.outbox, [*missed, *first]))

    async def websocket_disconnect(self, _: dict[str, Any]) -> None:
        """The tab is gone."""
        raise StopConsumer

    @property
    def chat_id(self) -> int:
        """The chat of the URL."""
        return int(self.scope["url_route"]["kwargs"]["chat_id"])

    async def _close(self, code: int) -> None:
        await self.base_send({"type": "websocket.close", "code": code})

    async def _send(self, outbox: Outbox, frames: list[Frame]) -> None:
        """Send these, then whatever comes into the outbox; all that waits at a time."""
        try:
            while True:
                for frame in frames:
                    if frame.type == "close":
                        await self._close(frame.body["code"])
                        return
                    await self.base_send({"type": "websocket.send", "text": frame.text})
                frames = await outbox.take()
        except Exception:
            logger.exception("chat %d: a tab was lost", self.chat_id)
            await self._close(SOMETHING_WENT_WRONG)

    # --- Commands --------------------------------------------------------------------------------------

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Carry out one command; a refusal is answered with an `error` frame."""
        if self.member is None:
            return
        command: dict[str, Any] = {}
        try:
            command = _command(message)
            answer = await self._carry_out(command)
        except ChatError as refusal:
            answer = _refusal(refusal, command)
        if answer is not None:
            self.member.outbox.put(answer)

    async def _carry_out(self, command: dict[str, Any]) -> Frame | None:
        # Fetched anew: the scene may have changed, and so may the membership.
        user = self.admitted.user
        chat = await in_thread(get_chat_for, user, self.chat_id)
        match command:
            case {"type": "turn", "text": str(text)}:
                return await self._post(chat, text, command)
            case {"type": "stop"}:
                await exchange.stop(chat)
            case {"type": "retry"}:
                generation = clean(_text(command, "generation"))
                await exchange.retry(chat, user=user, generation=generation, announcer=self.hub)
            case {"type": "regenerate", "turn_id": int(turn)}:
                return await self._regenerate(chat, turn, command)
            case _:
                raise BadCommandError
        return None

    async def _post(self, chat: Chat, text: str, command: dict[str, Any]) -> Frame:
        named = command.get("speaker")
        if not isinstance(named, str | int | None):
            raise BadCommandError
        speaker = await in_thread(exchange.find_speaker, chat, str(named)) if named else None
        key = _text(command, "key")
        posted = await exchange.post_turn(
            chat, user=self.admitted.user, text=text, speaker=speaker, key=key, announcer=self.hub
        )
        return Frame("posted", {"turn_id": posted.turn_id, "key": key})

    async def _regenerate(self, chat: Chat, turn: int, command: dict[str, Any]) -> Frame:
        guidance = _text(command, "guidance") or ""
        begun = await regenerate.regenerate_assistant_turn(
            chat, turn=turn, guidance=guidance, user=self.admitted.user, announcer=self.hub
        )
        return Frame("regenerating", {"turn_id": turn, "generation": begun, "key": _text(command, "key")})


def _since(scope: dict[str, Any]) -> int | None:
    given = parse_qs(scope["query_string"].decode("latin-1")).get("since", [])
    if not given:
        return None
    since = whole(given[-1])
    if since is None:
        raise BadPositionError
    return since


def _command(message: dict[str, Any]) -> dict[str, Any]:
    try:
        command = json.loads(message.get("text") or "")
    except (ValueError, RecursionError):
        raise BadCommandError from None
    if not isinstance(command, dict):
        raise BadCommandError
    return command


def _text(command: dict[str, Any], name: str) -> str | None:
    value = command.get(name)
    if value is not None and not isinstance(value, str):
        raise BadCommandError
    return value or None


def _refusal(refusal: ChatError, command: dict[str, Any]) -> Frame:
    more = {name: clean(command[name]) for name in ("key",) if isinstance(command.get(name), str)}
    if (wait := getattr(refusal, "retry_after", None)) is not None:
        more["retry_after"] = wait
    return error(status=refusal.status, detail=refusal.detail, **more)
