"""What was written before an earlier turn was changed says so, and an edited turn that it is one."""

import re

import pytest

from tests.chat.pages.conftest import door, page
from tests.factories import owner_of
from tests.facts import regenerate, reply

pytestmark = pytest.mark.django_db(transaction=True)

HTML = {"Accept": "text/html,application/xhtml+xml"}


def test_what_was_written_before_a_change_is_marked_until_the_change_is_undone(chat, client, told):
    def marked() -> list[int]:
        return client.get(f"/chats/{chat.id}/turns/written-before/?first=0").json()["turns"]

    assert marked() == []
    new = regenerate(chat, told["primary"])
    assert marked() == [told["later"]]
    assert "said outdated" in client.get(f"/chats/{chat.id}/").content.decode()
    assert client.get(door(chat, told["later"], "rewrite-from")).json()["replies"] == 1

    client.post(door(chat, told["primary"], "restore"))
    assert marked() == []
    client.post(door(chat, new, "restore"))
    later = regenerate(chat, told["later"])
    assert marked() == []
    client.post(door(chat, new, "delete"))
    client.post(door(chat, new, "undelete"))
    assert marked() == [], "it stands as when the later one was written"
    client.post(door(chat, new, "delete"))
    client.post(door(chat, told["primary"], "restore"))
    assert marked() == [later]


def test_what_was_written_before_a_change_says_what_was_changed(chat, client, told):
    def line() -> str:
        lines = client.get(f"/chats/{chat.id}/turns/written-before/?first=0").json()["lines"]
        return " ".join(lines[str(told["later"])].split())

    new = regenerate(chat, told["primary"])
    link = f"/chats/{chat.id}/?at={told['primary']}#turn-{new}"
    assert f'<a href="{link}" data-turn-link="{new}">Mara’s turn</a>, rewritten <time' in line()
    assert " ".join(page(client, f"/chats/{chat.id}/").split()).count(line()) == 1

    own = client.post(door(chat, told["own"], "edit"), {"text": "Ilse?"}).json()["turn_id"]
    assert f'#turn-{own}" data-turn-link="{own}">your turn</a>, edited <time' in line()
    client.post(door(chat, told["own"], "restore"))
    client.post(door(chat, new, "delete"))
    assert f'<a href="/chats/{chat.id}/turns/deleted/" data-slip>Mara’s turn</a>, deleted <time' in line()
    client.post(door(chat, new, "undelete"))
    client.post(door(chat, told["primary"], "restore"))
    assert client.get(f"/chats/{chat.id}/turns/written-before/?first=0").json() == {"turns": [], "lines": {}}


def test_what_was_brought_back_marks_only_what_was_written_against_another_writing(chat, client, told):
    def found() -> dict[str, str]:
        return client.get(f"/chats/{chat.id}/turns/written-before/?first=0").json()["lines"]

    new = regenerate(chat, told["primary"])
    against_new = reply(chat, "Mara", "“As you say.”")
    client.post(door(chat, told["primary"], "restore"))

    assert list(found()) == [str(against_new)]
    assert f'data-by="{told["primary"]} brought back"' in found()[str(against_new)]
    assert f'data-turn-link="{told["primary"]}"' in found()[str(against_new)]
    client.post(door(chat, new, "restore"))
    assert list(found()) == [str(told["later"])]


def test_a_new_writing_that_was_cut_off_never_stood_so_nothing_was_written_against_it(chat, client, told):
    regenerate(chat, told["primary"], "“I —", how="stopped")
    later = reply(chat, "Mara", "“Later still.”")
    regenerate(chat, told["primary"])

    client.post(door(chat, told["primary"], "restore"))

    assert later in chat.turns.live().values_list("id", flat=True)
    assert client.get(f"/chats/{chat.id}/turns/written-before/?first=0").json()["turns"] == []


def test_an_edited_turn_says_so_and_its_writings_by_whom(chat, client, told):
    edited = client.post(door(chat, told["primary"], "edit"), {"text": "“I leave it.”"}).json()["turn_id"]
    regenerate(chat, told["later"])

    transcript = page(client, f"/chats/{chat.id}/")

    who = owner_of(chat).get_username()
    mark = rf'<a class="edited"\s+href="{door(chat, edited, "variants")}"\s+data-slip'
    assert len(re.findall(mark, transcript)) == transcript.count('class="edited"') == 1
    beside = " ".join(client.get(door(chat, edited, "variants"), headers=HTML).content.decode().split())
    assert beside.index("Written <time") < beside.index(f"Edited by {who}, <time")
