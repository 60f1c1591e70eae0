"""The rules of the house that no linter knows."""

import ast
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.house import asks_for_a_chat, reads_the_environment, writes_a_folded_table

ROOT = Path(__file__).parent.parent
MAX_LINES = 300
BANNED_NAMES = {"services", "selectors", "utils", "helpers", "common", "managers"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def served() -> Iterator[Path]:
    """Our own scripts and styles; what is vendored is as its makers made it."""
    for folder in ("chat/static", "agent/static"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".js", ".css"} and "vendor" not in path.parts:
                yield path


def breaches(rule: "Callable[[ast.Module], list[int]]", *folders: str, but: tuple[str, ...] = ()) -> list[str]:
    """Where a rule is broken, as "file:line"; `but` names files and folders that it does not bind."""
    return [
        f"{name}:{line}"
        for path in sources(*folders)
        if not (name := path.relative_to(ROOT).as_posix()).startswith(but or ("\0",))
        for line in rule(ast.parse(path.read_text()))
    ]


def test_every_file_has_at_most_300_lines():
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in (*sources("chat", "agent", "project", "tests"), *served())
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


def test_no_file_is_called_after_nothing():
    assert [path for path in sources("chat", "agent", "project") if path.stem in BANNED_NAMES] == []


def test_nothing_that_python_compiles_is_kept_in_git():
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return  # Unpacked from an archive: there is nothing tracked.

    # The folder may be somebody else's, as in a container.
    listing = subprocess.run(
        [git, "-c", "safe.directory=*", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    tracked = listing.stdout.splitlines()
    assert [path for path in tracked if "__pycache__" in path or path.endswith((".pyc", ".pyo"))] == []


def test_only_the_fold_writes_the_storys_tables():
    but = ("chat/story/fold/", "chat/story/rebuild.py")
    assert breaches(writes_a_folded_table, "chat", "agent", "project", but=but) == []


@pytest.mark.parametrize(
    "sample",
    [
        "Turn.objects.filter(id=1).update(text='x')",
        "Chat.objects.visible_to(1).delete()",
        "Turn.objects.bulk_create([])",
        "Turn._base_manager.all().delete()",
        "chat.turns.create(id=1)",
        "chat.turns.live().update(text='x')",
        "story.cast.filter(name='Mara').delete()",
        "chat.scenes.update(title='x')",
        "chat.membership_set.create(user_id=1)",
        "member.chat.turns.all().delete()",
        "async def act(chat):\n    await chat.turns.acreate(id=1)",
        "Turn(id=1).save()",
        "def act(chat: Chat) -> None:\n    chat.save()",
        "def act(chat: 'Chat | None') -> None:\n    chat.delete()",
        "turn = Turn(id=1)\nturn.save()",
        "turn = chat.turns.get(id=1)\nturn.save(update_fields=['text'])",
        "def act(user):\n    chat = get_chat_for(user, 7)\n    chat.save()",
        "async def act(user):\n    chat = await in_thread(get_chat_for, user, 7)\n    await chat.asave()",
        "for turn in chat.turns.live():\n    turn.delete()",
        "if turn := chat.turns.first():\n    turn.save()",
        "rows = Turn.objects.filter(chat=1)\nrows.update(text='x')",
    ],
)
def test_a_write_to_the_storys_tables_is_seen(sample):
    assert writes_a_folded_table(ast.parse(sample))


@pytest.mark.parametrize(
    "sample",
    [
        "Generation.objects.filter(id=1).update(state='x')",
        "character.save()",
        "chat.turns.live().count()",
        "names = set(chat.cast.values_list('name', flat=True))\nnames.update({'x'})",
        "def act(chat: Chat) -> None:\n    deeds.delete(chat)",
    ],
)
def test_what_is_no_write_to_the_storys_tables_is_let_be(sample):
    assert writes_a_folded_table(ast.parse(sample)) == []


def test_the_environment_is_read_in_the_settings_and_nowhere_else():
    # `up` hands the environment on to the processes it starts.
    but = ("project/settings.py", "project/up/")
    assert breaches(reads_the_environment, "chat", "agent", "project", but=but) == []


@pytest.mark.parametrize(
    "sample",
    [
        "import os\nurl = os.environ['DATABASE_URL']",
        "import os\nurl = os.environ.get('DATABASE_URL')",
        "import os\nurl = os.getenv('DATABASE_URL')",
        "from os import environ\nurl = environ['DATABASE_URL']",
        "import os\nchildren = {**os.environ}",
        "import os\nos.environ.setdefault('DATABASE_URL', 'x')",
    ],
)
def test_a_reading_of_the_environment_is_seen(sample):
    assert reads_the_environment(ast.parse(sample))


def test_naming_the_settings_is_no_reading_of_the_environment():
    named = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'project.settings')"
    assert reads_the_environment(ast.parse(named)) == []


def test_an_edge_gets_a_chat_only_through_who_may_see_it():
    # Renders once for all the sockets that were let in.
    renderer = "chat/streaming/frames.py"
    assert breaches(asks_for_a_chat, "chat/pages", "chat/streaming", but=(renderer,)) == []


@pytest.mark.parametrize(
    "sample",
    [
        "Chat.objects.get(id=7)",
        "Chat.objects.filter(id=7).first()",
        "Chat.objects.exclude(archived_at=None)",
        "Chat.objects.all()",
        "async def act():\n    await Chat.objects.aget(id=7)",
        "get_object_or_404(Chat, id=7)",
        "for chat in Chat.objects.in_bulk([7]):\n    pass",
    ],
)
def test_a_chat_got_past_who_may_see_it_is_seen(sample):
    assert asks_for_a_chat(ast.parse(sample))


def test_the_chats_a_user_may_see_are_an_edges_to_ask_for():
    assert asks_for_a_chat(ast.parse("Chat.objects.visible_to(1).filter(archived_at=None)")) == []
