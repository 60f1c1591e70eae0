"""What a browser is sent while it looks at a chat: settled turns from the log, and tokens as they are written.

`frames` turns events into frames. A `Room` is one open chat of this process: it reads the log once, follows the
replies being written and fans both out to its members' outboxes. The `Hub` keeps the rooms, listens to the bell
and heals what was lost; the `Wire` brings news of replies to and from other processes. `consumers` (WebSocket)
and `storage` with `views` (server-sent events) are the doors.
"""
