"""Server-sent events of a chat: what was settled, for pages without a WebSocket, for spectators and scripts."""

import json
import re
from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET
from django_eventstream.eventrequest import EventRequest
from django_eventstream.utils import sse_encode_event
from django_eventstream.views import stream

from chat.database import in_thread
from chat.errors import ChatError
from chat.streaming.frames import reset
from chat.streaming.hub import hub
from chat.streaming.sessions import Admitted, NotSignedInError, admit
from chat.streaming.storage import PREFIX, SessionListener

#: What `Last-Event-ID` may be: a position, or as the library writes it, channel and position.
EVENT_ID = re.compile(r"(?:(?P<channel>chat-\d+):)?(?P<position>\d{1,18})", re.ASCII)


class BadEventIdError(ChatError):
    """Last-Event-ID must be a position of this chat's log, or the id of one of its events."""

    status = 400


@require_GET
async def events(request: HttpRequest, chat_id: int) -> HttpResponseBase:
    """The settled frames after `Last-Event-ID` (or `?since=`), or from now on; then everything as it happens.

    Each event's id is a position in the log; sent back as `Last-Event-ID` it resumes exactly there.
    """
    session = request.session.session_key or ""
    try:
        admitted = await in_thread(admit, session, chat_id)
        since = _since(request, chat_id)
    except NotSignedInError:
        return _refused(404, "There is no such story, or it is not yours to see.")
    except ChatError as refusal:
        return _refused(refusal.status, refusal.detail)
    # From here on somebody wakes the listener.
    hub()
    return StreamingHttpResponse(
        _stream(admitted, chat_id, session, since),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(admitted: Admitted, chat_id: int, session: str, since: int | None) -> AsyncIterator[str]:
    channel = f"{PREFIX}{chat_id}"
    asked = EventRequest()
    asked.user, asked.channels, asked.is_next = admitted.user, {channel}, False
    # A position from the start, so that even a stream which has not sent anything yet loses nothing.
    begin = admitted.head if since is None else min(since, admitted.head)
    asked.channel_last_ids = {channel: str(begin)}
    listener = SessionListener()
    listener.user_id, listener.channels, listener.session = admitted.user.pk, asked.channels, session
    if since is not None and since > admitted.head:
        yield sse_encode_event("reset", json.dumps(reset(begin).body), event_id=f"{channel}:{begin}")
    async for part in stream(asked, listener):
        yield part


def _since(request: HttpRequest, chat_id: int) -> int | None:
    given = request.headers.get("Last-Event-ID") or request.GET.get("lastEventId") or request.GET.get("since")
    if not given:
        return None
    found = EVENT_ID.fullmatch(given.strip())
    if found is None or found["channel"] not in {None, f"{PREFIX}{chat_id}"}:
        raise BadEventIdError
    return int(found["position"])


def _refused(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
