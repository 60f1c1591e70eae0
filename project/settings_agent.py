"""The settings of the subscribers: a part of `project.settings`, which is what everybody else reads."""

import os

#: Dotted names of more subscribers (classes), for who extends the site.
SUBSCRIBERS = [name for name in os.environ.get("PALIMPSEST_SUBSCRIBERS", "").split(",") if name]
#: Lanes that each Reaction may work at once, in all workers together; within a lane it is always one.
REACTION_CONCURRENCY = int(os.environ.get("PALIMPSEST_REACTION_CONCURRENCY", "1"))
#: Seconds after which a worker that says nothing has lost its lane.
LEASE_SECONDS = float(os.environ.get("PALIMPSEST_LEASE_SECONDS", "15"))
#: Seconds between two looks at the streams that moved lately.
SWEEP_SECONDS = float(os.environ.get("PALIMPSEST_SWEEP_SECONDS", "3"))
#: The first and the longest window of a Reaction's backoff.
RETRY_FIRST_SECONDS = float(os.environ.get("PALIMPSEST_RETRY_FIRST_SECONDS", "2"))
RETRY_LONGEST_SECONDS = float(os.environ.get("PALIMPSEST_RETRY_LONGEST_SECONDS", "900"))
#: Seconds between two questions to a model that refuses us.
PROBE_SECONDS = float(os.environ.get("PALIMPSEST_PROBE_SECONDS", "15"))
#: Seconds that running Reactions get when a worker is told to end; "" for as long as each may take.
_grace = os.environ.get("PALIMPSEST_GRACE_SECONDS", "")
GRACE_SECONDS = float(_grace) if _grace else None
#: Where a wedged lane is posted as JSON, once per fingerprint.
ALERT_URL = os.environ.get("PALIMPSEST_ALERT_URL", "")
ATTEMPT_DAYS = int(os.environ.get("PALIMPSEST_ATTEMPT_DAYS", "30"))
#: Prices of a million tokens, for the cost on a chat's activity; 0 for none.
PROMPT_PRICE = float(os.environ.get("PALIMPSEST_PROMPT_PRICE", "0"))
COMPLETION_PRICE = float(os.environ.get("PALIMPSEST_COMPLETION_PRICE", "0"))
#: What an Attempt says it was made by.
CODE_VERSION = os.environ.get("PALIMPSEST_VERSION", "0.1.0")
