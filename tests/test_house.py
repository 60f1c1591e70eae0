"""The rules of the house that no linter knows."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_LINES = 300
BANNED_NAMES = {"services", "selectors", "utils", "helpers", "common", "managers"}
#: Models that only the fold writes.
FOLDED = {
    "Chat", "Membership", "CastMember", "Scene", "Turn", "StoryEvent", "StoryTransition", "Memory",
    "RelationshipChange", "Milestone", "TurnReading", "Decision",
}  # fmt: skip
WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete", "save"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_every_file_has_at_most_300_lines():
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sources("chat", "agent", "project", "tests")
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


def test_no_file_is_called_after_nothing():
    assert [path for path in sources("chat", "agent", "project") if path.stem in BANNED_NAMES] == []


def test_only_the_fold_writes_the_storys_tables():
    allowed = {ROOT / "chat/story/rebuild.py"}
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sources("chat", "agent", "project")
        if path not in allowed and "fold" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and _writes_a_folded_model(call)
    ]
    assert found == []


def test_the_environment_is_read_in_the_settings_and_nowhere_else():
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in sources("chat", "agent")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers == set()


def test_an_edge_gets_a_chat_only_through_who_may_see_it():
    #: Renders once for all the sockets that were let in.
    renderer = ROOT / "chat/streaming/frames.py"
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sources("chat/pages", "chat/streaming")
        if path != renderer
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and _chain(call.func).startswith(("Chat.objects.get", "Chat.objects.aget"))
    ]
    assert found == []


def _writes_a_folded_model(call: ast.Call) -> bool:
    chain = _chain(call.func).split(".")
    return len(chain) > 2 and chain[0] in FOLDED and chain[1] == "objects" and chain[-1] in WRITES


def _chain(node: ast.expr) -> str:
    """`Turn.objects.filter(...).update` as "Turn.objects.filter.update"."""
    if isinstance(node, ast.Attribute):
        return f"{_chain(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return _chain(node.func)
    return node.id if isinstance(node, ast.Name) else ""
