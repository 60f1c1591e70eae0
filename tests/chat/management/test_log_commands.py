"""show_log and check_log."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from chat.log import triggers
from chat.log.models import Event, Stream
from chat.story.models import Chat, Turn
from tests.factories import make_chat, say

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def test_a_chat_is_shown_as_json_lines():
    chat = make_chat()
    turn = say(chat, "„Wer da?“")

    _, shown = run("show_log", "--chat", str(chat.id), "--format", "jsonl")
    events = [json.loads(line) for line in shown.splitlines()]

    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert set(events[0]) == {"position", "version", "kind", "payload", "actor", "causation", "recorded_at"}
    assert events[-1]["kind"] == "user_turn"
    assert events[-1]["position"] == turn
    assert "„Wer da?“" in shown


def test_only_what_came_after_a_position_is_shown_as_text():
    chat = make_chat()
    first, second = say(chat, "One"), say(chat, "Two")

    _, shown = run("show_log", "--chat", str(chat.id), "--after", str(first))

    assert len(shown.splitlines()) == 1
    assert shown.split()[0] == str(second)
    assert "Two" in shown


def test_a_stream_that_does_not_exist_is_an_error():
    with pytest.raises(CommandError, match=r"There is no chat 999\."):
        run("show_log", "--chat", "999")
    with pytest.raises(CommandError, match=r"There is no chat 999\."):
        run("check_log", "--chat", "999")
    with pytest.raises(CommandError, match=r"There is no stream “operation”\."):
        run("show_log", "--stream", "operation")


def test_a_sound_log_is_one_line():
    say(make_chat(), "One")
    make_chat()

    assert run("check_log") == (0, "2 streams checked: the tables say what the log says.\n")


def test_a_changed_a_missing_and_an_invented_row_are_differences():
    chat = make_chat()
    changed, lost = say(chat, "One"), say(chat, "Two")
    Turn.objects.filter(id=changed).update(text="Won")
    Turn.objects.filter(id=lost).delete()
    Chat.objects.filter(id=chat.id).update(title="Day watch")

    code, said = run("check_log", "--chat", str(chat.id))

    assert code == 1
    assert f"chat-{chat.id}: Turn {changed}: text is 'Won', the log says 'One'\n" in said
    assert f"chat-{chat.id}: Turn {lost} is missing; the log says {{'id': {lost}" in said
    assert f"chat-{chat.id}: Chat {chat.id}: title is 'Day watch', the log says 'Night watch'\n" in said
    assert "3 differences in 1 stream: " in said
    assert "--rebuild" in said
    assert Turn.objects.get(id=changed).text == "Won", "checking changes nothing"


def test_the_tables_of_a_chat_that_differs_are_written_anew_when_told():
    chat, other = make_chat(), make_chat()
    changed = say(chat, "One")
    Turn.objects.filter(id=changed).update(text="Won")

    code, said = run("check_log", "--rebuild")

    assert code == 0
    assert f"chat-{chat.id}: its tables are written anew from the log.\n" in said
    assert f"chat-{other.id}" not in said
    assert Turn.objects.get(id=changed).text == "One"
    assert run("check_log") == (0, "2 streams checked: the tables say what the log says.\n")


def test_where_the_log_has_lost_something_the_tables_are_left_alone():
    chat = make_chat()
    hole = say(chat, "One")
    last = say(chat, "Two")
    with triggers.lifted():
        Event.objects.filter(position__in=[hole, last]).delete()

    code, said = run("check_log", "--rebuild")

    assert code == 1
    assert f"Turn {last} is not in the log" in said
    assert "put a backup back" in said
    assert "--rebuild" not in said, "that would not help"
    assert set(chat.turns.values_list("id", flat=True)) == {hole, last}


def test_the_tables_of_a_chat_whose_log_is_gone_are_left_alone():
    chat = make_chat()
    turn = say(chat, "One")
    with triggers.lifted():
        Event.objects.filter(stream__name=chat.stream).delete()

    code, said = run("check_log", "--rebuild")

    assert code == 1
    assert "the log has 0 at 0" in said
    assert chat.turns.get().id == turn


def test_a_hole_in_the_log_is_a_difference():
    chat = make_chat()
    hole = say(chat, "One")
    say(chat, "Two")
    with triggers.lifted():
        Event.objects.filter(position=hole).delete()

    code, said = run("check_log")

    assert code == 1
    assert "is missing" in said


def test_a_stream_that_knows_its_head_wrongly_is_a_difference():
    chat = make_chat()
    Stream.objects.filter(name=chat.stream).update(head=1)

    code, said = run("check_log")

    assert code == 1
    assert "its row says" in said
