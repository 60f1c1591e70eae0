"""Palimpsest's chat: the log, the story it tells, the turns that write it, and the pages they are played on.

The words. An *event* is one row of the log. A *stream* is a chat's events under one lock. A *turn* is one say,
by the player or a character; it is called by its *place*. A *generation* is a reply while it is being written.
A *witness* is a character present when a turn was said; only witnesses may ever be prompted with it.
The *bell* says which stream has grown and how far, never what.

The floors, imports going down only:

    streaming | pages      what a browser sees: frames over WebSocket and SSE; HTML
    turns                  choosing a speaker, prompting, generating, settling
    story                  payloads, the fold that writes the story's tables, the writer, who may see a chat
    log | llm              append-only events and the bell | clients of language models
    database, errors       the pool of connections for async code; the base of every error

The road of a turn: `pages` or `streaming` → `turns.exchange` → `story.writer` → `log.append` and `story.fold`
→ COMMIT → `log.bell` → `streaming.hub`, which reads the log and sends frames. Tokens go straight from
`turns.generation` to the sockets; everything on the wire is a hint, the log is the truth.
"""
