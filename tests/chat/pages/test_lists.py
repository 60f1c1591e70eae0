"""The list of a user's chats."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from chat.pages.lists import chat_list
from chat.story.models import Chat
from chat.turns import chats as deeds
from tests.factories import make_chat, make_user, owner_of

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


@pytest.fixture
def chat() -> Chat:
    return make_chat()


@pytest.fixture
def client(chat: Chat) -> Client:
    client = Client()
    client.force_login(owner_of(chat))
    return client


def page(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def played(chat: Chat, *, ago: timedelta) -> None:
    Chat.objects.filter(id=chat.id).update(last_turn_at=NOON - ago)


def test_chats_are_read_in_sections_by_date_pinned_ones_first():
    owner = make_user()
    names = ["pinned", "today", "this week", "earlier"]
    stories = {name: make_chat(owner, title=name) for name in names}
    for name, days in [("pinned", 100), ("today", 0), ("this week", 2), ("earlier", 20)]:
        played(stories[name], ago=timedelta(days=days))
    deeds.pin(stories["pinned"], by=owner)

    sections = chat_list(owner, now=NOON)

    found = [(section.title, [chat.title for chat in section.chats]) for section in sections]
    assert found == [
        ("Pinned", ["pinned"]),
        ("Today", ["today"]),
        ("This week", ["this week"]),
        ("Earlier", ["earlier"]),
    ]


@pytest.mark.parametrize("q", ["salt", "ROAD salt", "Ärger", "ärger", "100%", "\x00salt"])
def test_titles_are_searched_by_words_whatever_their_case(q):
    owner = make_user()
    make_chat(owner, title="Night watch")
    wanted = make_chat(owner, title="The Salt Road: 100% Ärger")

    found = [chat.id for section in chat_list(owner, q=q) for chat in section.chats]

    assert found == [wanted.id]


def test_the_list_is_one_query(django_assert_num_queries, chat):
    owner = owner_of(chat)
    with django_assert_num_queries(1):
        chat_list(owner, q="night")


def test_a_list_is_ones_own(client):
    make_chat(title="Somebody else’s")

    assert "Somebody else" not in page(client, "/")


def test_archived_chats_are_a_list_of_their_own(client, chat):
    client.post(f"/chats/{chat.id}/archive/")

    assert chat.title not in page(client, "/?q=Night")
    assert "1 archived chat" in page(client, "/")
    assert chat.title in page(client, "/?archived=1")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("/", "Nothing is written yet."), ("/?q=zzz", "No chat has “zzz”"), ("/?archived=1", "Nothing is archived.")],
)
def test_an_empty_list_says_what_to_do(path, sentence):
    newcomer = Client()
    newcomer.force_login(make_user())

    assert sentence in page(newcomer, path)


def test_what_was_typed_is_never_markup(client, chat):
    client.post(f"/chats/{chat.id}/rename/", {"title": "<script>alert(1)</script>"})

    for path in ("/", "/?q=<script>", f"/chats/{chat.id}/info/"):
        assert "<script>alert" not in page(client, path)


def test_strangers_are_asked_to_sign_in():
    assert Client().get("/")["Location"] == "/accounts/login/?next=/"
    assert Client().get("/", headers=JSON).status_code == 401
