"""The operators' desk in the Django admin: a door to `agent.operations`; each page translates and makes one call."""

from agent.admin import attempts, audit, duties, index, lanes, subscribers, tables, tokens, turns

__all__ = ["attempts", "audit", "duties", "index", "lanes", "subscribers", "tables", "tokens", "turns"]
