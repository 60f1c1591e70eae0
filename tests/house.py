"""How the rules of the house are seen in a file's syntax: each rule gives the lines that break it."""

import ast
from collections.abc import Iterator

#: Models that only the fold writes, and the names by which their rows are reached from a chat.
FOLDED = {
    "Chat", "Membership", "CastMember", "Scene", "Turn", "StoryEvent", "StoryTransition", "Memory",
    "RelationshipChange", "Milestone", "TurnReading", "Decision", "Meanwhile",
}  # fmt: skip
RELATED = {
    "turns",
    "cast",
    "scenes",
    "membership_set",
    "castmember_set",
    "scene_set",
    "turn_set",
    "story_events",
    "memories",
    "milestones",
    "meanwhiles",
}
#: What gives a chat of the story.
GETTERS = {"get_chat_for", "get_deleted_chat_for"}
MANAGERS = {"objects", "_default_manager", "_base_manager"}
_WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete", "save"}
WRITES = _WRITES | {f"a{name}" for name in _WRITES}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


def writes_a_folded_table(tree: ast.Module) -> list[int]:
    """Writes through a manager, through what belongs to a chat, or through a row that the file got or made."""
    found = set()
    for scope in _scopes(tree):
        rows = set(_names_of_rows(scope))
        for call in ast.walk(scope):
            if isinstance(call, ast.Call) and _is_a_write(chain(call.func).split("."), rows):
                found.add(call.lineno)
    return sorted(found)


def reads_the_environment(tree: ast.Module) -> list[int]:
    """Any use of os.environ or os.getenv but naming the settings to Django."""
    named = {id(call.func.value) for call in ast.walk(tree) if _names_the_settings(call)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT and id(node) not in named)
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and ENVIRONMENT & {a.name for a in node.names})
    ]


def asks_for_a_chat(tree: ast.Module) -> list[int]:
    """Asking the table of chats for anything but those that a user may see."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and _is_past_the_getter(chain(node).split(".")))
        or (isinstance(node, ast.Call) and chain(node.func).endswith("_or_404") and "Chat" in map(chain, node.args))
    ]


def chain(node: ast.expr) -> str:
    """`Turn.objects.filter(...).update` as "Turn.objects.filter.update"."""
    if isinstance(node, ast.Attribute):
        return f"{chain(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return chain(node.func)
    if isinstance(node, ast.Await):
        return chain(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _is_a_write(names: list[str], rows: set[str]) -> bool:
    if names[-1] not in WRITES:
        return False
    through_manager = len(names) > 2 and names[0] in FOLDED and names[1] in MANAGERS
    through_chat = any(name in RELATED for name in names[1:-1])
    through_row = len(names) == 2 and names[0] in FOLDED | rows
    return through_manager or through_chat or through_row


def _is_past_the_getter(names: list[str]) -> bool:
    return len(names) == 3 and names[0] == "Chat" and names[1] in MANAGERS and names[2] != "visible_to"


def _names_the_settings(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and chain(node.func) == "os.environ.setdefault"
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value == "DJANGO_SETTINGS_MODULE"
    )


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    """Each function, and what the module does by itself: a name means one thing in there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    yield ast.Module(body=[node for node in tree.body if not isinstance(node, definitions)], type_ignores=[])


def _names_of_rows(scope: ast.AST) -> Iterator[str]:
    """The names that stand for rows of the story, as far as the syntax tells."""
    for node in ast.walk(scope):
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as said) if FOLDED & _words(said):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), annotation=said) if FOLDED & _words(said):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _gives_rows(value):
                yield name
            case ast.NamedExpr(target=ast.Name(id=name), value=value) if _gives_rows(value):
                yield name
            case ast.For(target=ast.Name(id=name), iter=value) | ast.AsyncFor(target=ast.Name(id=name), iter=value):
                if _gives_rows(value):
                    yield name


def _words(annotation: ast.expr) -> set[str]:
    """`"Chat | None"` as {"Chat", "None"}; of a container of rows nothing: it may be a list."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return set(annotation.value.replace("|", " ").split())
    if isinstance(annotation, ast.BinOp):
        return _words(annotation.left) | _words(annotation.right)
    return {chain(annotation)}


def _gives_rows(value: ast.expr) -> bool:
    names = chain(value).split(".")
    if names[-1] == "in_thread" and isinstance(value, ast.Await) and isinstance(value.value, ast.Call):
        return bool(value.value.args) and chain(value.value.args[0]) in GETTERS
    made = names[0] in FOLDED and (len(names) == 1 or names[1] in MANAGERS) and isinstance(value, ast.Call | ast.Await)
    return made or names[-1] in GETTERS or any(name in RELATED for name in names[1:])
