"""Following the log: what a subscriber is, its lanes, and the runners that work them off."""
