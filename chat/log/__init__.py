"""The log: append-only events in streams, and the bell that says how far a stream has grown."""
