"""The demo story: a small play in two scenes, with everything that follows from it, that begs for an answer."""

from chat.turns.demo.seed import demo_of, write_demo

__all__ = ["demo_of", "write_demo"]
