"""Coming in by name: the login page and its limit, the password, the way out."""

import pytest
from django.test import Client

from chat.pages import limits
from chat.pages.models import Preference
from chat.turns.limits import _memory
from tests.factories import make_chat, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "lamp-oil-77"


@pytest.fixture
def client() -> Client:
    return Client()


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_password_signs_in_and_leads_on(client):
    make_user("anna").set_password(PASSWORD)
    user = make_user("bert")
    user.set_password(PASSWORD)
    user.save()

    answer = client.post("/accounts/login/", {"username": "bert", "password": PASSWORD, "next": "/characters/"})

    assert (answer.status_code, answer["Location"]) == (302, "/characters/")
    assert signed_in(client)


def test_a_login_does_not_lead_to_another_site(client):
    user = make_user("bert")
    user.set_password(PASSWORD)
    user.save()

    sent = {"username": "bert", "password": PASSWORD, "next": "https://elsewhere.example/"}
    answer = client.post("/accounts/login/", sent)

    assert answer["Location"] == "/"


def test_a_wrong_password_keeps_the_name_that_was_typed(client):
    answer = client.post("/accounts/login/", {"username": "anna", "password": "wrong"})

    assert answer.status_code == 422
    assert 'value="anna"' in answer.content.decode()
    assert not signed_in(client)


def test_guessing_is_slowed_down_by_name_and_by_address(client, settings, valkey):
    settings.LOGINS_PER_MINUTE = 2
    name = "slow"

    statuses = [guess(client, name, "198.51.100.1") for _ in range(3)]

    assert statuses == [422, 422, 429]
    assert guess(client, name, "198.51.100.2") == 422
    assert guess(client, "another", "198.51.100.1") == 422


def test_one_address_cannot_try_a_dictionary_of_names(client, settings, valkey):
    settings.LOGINS_PER_MINUTE = 1

    statuses = [guess(client, f"name-{number}", "198.51.100.3") for number in range(limits.NAMES_PER_ADDRESS + 1)]

    assert statuses == [422] * limits.NAMES_PER_ADDRESS + [429]


def test_without_a_broker_logins_are_counted_in_memory(client, settings, caplog, monkeypatch):
    settings.LOGINS_PER_MINUTE = 1
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    monkeypatch.setattr("chat.turns.limits._away_until", 0.0)
    monkeypatch.setattr("chat.turns.limits.AWAY_SECONDS", 600.0)

    statuses = [guess(client, "lonely", "198.51.100.4") for _ in range(2)]

    assert statuses == [422, 429]
    assert caplog.text.count("counts in memory") == 1


def guess(client: Client, name: str, address: str) -> int:
    answer = client.post("/accounts/login/", {"username": name, "password": "wrong"}, REMOTE_ADDR=address)
    return answer.status_code


def test_behind_a_proxy_the_proxys_word_counts(rf, settings):
    request = rf.get("/", headers={"X-Forwarded-For": "203.0.113.66, 198.51.100.9"}, REMOTE_ADDR="127.0.0.1")

    assert limits.client_address(request) == "127.0.0.1"
    settings.BEHIND_PROXY = True
    assert limits.client_address(request) == "198.51.100.9"


def test_who_came_by_a_link_can_set_a_first_password(client):
    user = make_user("anna")
    user.set_unusable_password()
    user.save()
    client.force_login(user)

    answer = client.post("/account/password/", {"new_password1": "storm-glass-1", "new_password2": "storm-glass-1"})

    user.refresh_from_db()
    assert answer.status_code == 302
    assert user.check_password("storm-glass-1")
    assert client.get("/account/").status_code == 200, "still signed in"


def test_changing_a_password_asks_for_the_old_one(client):
    user = make_user("anna")
    user.set_password(PASSWORD)
    user.save()
    client.force_login(user)

    sent = {"old_password": "wrong", "new_password1": "storm-glass-1", "new_password2": "storm-glass-1"}

    assert client.post("/account/password/", sent).status_code == 422
    assert client.post("/account/password/", sent | {"old_password": PASSWORD}).status_code == 302


def test_signing_out_needs_a_post(client):
    client.force_login(make_user())

    assert client.get("/accounts/logout/").status_code == 405
    assert signed_in(client)
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert not signed_in(client)


def test_a_player_chooses_what_enter_does(client):
    user = make_user()
    client.force_login(user)

    client.post("/account/", {"enter_sends": "no"})

    assert Preference.objects.get(user=user).enter_sends is False
    assert 'value="no" checked' in client.get("/account/").content.decode()


def test_the_desk_sends_strangers_to_our_own_door_and_players_away(client):
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/accounts/login/?next=/admin/"
    client.force_login(make_user())
    assert client.get("/admin/", follow=True).status_code == 403


def test_the_desk_shows_the_log_and_lets_nobody_write_it(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("anna"))
    chat = make_chat()

    pages = {name: client.get(f"/admin/chat/{name}/") for name in ("event", "stream", "chat", "turn", "generation")}
    assert {name: page.status_code for name, page in pages.items()} == dict.fromkeys(pages, 200)
    assert f"chat-{chat.id}" in pages["event"].content.decode()
    assert client.get("/admin/chat/event/add/").status_code == 403
    assert client.post(f"/admin/chat/chat/{chat.id}/delete/").status_code == 403
    assert client.get("/admin/login/")["Location"] == "/admin/"


def test_a_form_from_elsewhere_is_refused_with_a_page():
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user())

    answer = strict.post("/characters/", {"name": "Mara"})

    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


@pytest.fixture(autouse=True)
def _fresh_counts():
    _memory().reset()
