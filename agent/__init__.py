"""The agent: what follows the log of the stories, after the turn, and acts on it.

The words. A *subscriber* is a named follower of the log: a *Projection* (fast, batched, replayable) or a *Reaction*
(slow, one event at a time, acts once). A *lane* is the events of one stream for one subscriber, dealt with strictly
one after another; its *bookmark* says how far it has got. A lane is *wedged* when its next event failed in a way
that retrying will not heal; it waits for an operator, and holds back nothing else.

The floors, imports going down only:

    api | mcp | pages | management
                           the operators' doors; fragments for players
    operations             what operators do, each with its Decision in the same commit
    wake, tasks            the sweeper of every worker; what Celery calls
    registry               the subscribers there are
    projections | reactions
    subscriptions          what a subscriber is; lanes, the reactor, the projector
    models, desk_models    Subscriber, Bookmark, Attempt, the Projections' rows; the desk's

The road of an event: COMMIT → bell → `wake` marks the lanes that are due and sends hints → `tasks.run_lane` → the
reactor claims the lane, asks the Reaction with no transaction open, and commits events, bookmark and Attempt at
once. The database is the queue: a hint that is lost, late or doubled changes nothing but the time.
"""
