"""Coming in: the one-time link, the login page and its limit, the password, the way out."""

import io
import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from chat.pages import limits
from chat.pages.entering import LIFETIME, LinkSpentError, enter_path, new_token, redeem
from chat.pages.models import EnterLink, Preference
from tests.factories import make_chat, make_user, owner_of

pytestmark = pytest.mark.django_db

PASSWORD = "lamp-oil-77"


@pytest.fixture
def client() -> Client:
    return Client()


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_link_signs_in_once(client):
    path = enter_path(new_token(make_user("anna")))

    first, second = client.get(path), Client().get(path)

    assert (first.status_code, first["Location"]) == (302, "/")
    assert signed_in(client)
    assert second.status_code == 410
    assert "./run manage enter_link" in second.content.decode()


def test_a_link_leads_into_the_only_story(client):
    chat = make_chat()

    answer = client.get(enter_path(new_token(owner_of(chat))))

    assert answer["Location"] == f"/chats/{chat.id}/"


@pytest.mark.parametrize(
    "header", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}]
)
def test_fetching_ahead_does_not_use_a_link_up(client, header):
    path = enter_path(new_token(make_user()))

    ahead = client.get(path, headers=header)

    assert (ahead.status_code, ahead.content) == (204, b"")
    assert "no-store" in ahead["Cache-Control"]
    assert not signed_in(client)
    assert client.get(path).status_code == 302


def test_head_does_not_use_a_link_up(client):
    path = enter_path(new_token(make_user()))

    assert client.head(path).status_code == 200
    assert not signed_in(client)
    assert client.get(path).status_code == 302


def test_a_link_is_not_kept_by_any_cache(client):
    assert "no-store" in client.get(enter_path(new_token(make_user())))["Cache-Control"]


def test_an_unknown_link_says_how_to_get_one(client):
    answer = client.get(enter_path("never-given-out"))

    assert answer.status_code == 410
    assert "./run manage enter_link" in answer.content.decode()


def test_an_old_link_does_not_work():
    now = timezone.now()
    token = new_token(make_user())
    EnterLink.objects.update(created_at=now - LIFETIME - timedelta(seconds=1))

    with pytest.raises(LinkSpentError):
        redeem(token, now=now)


def test_a_link_works_for_a_day():
    now = timezone.now()
    token = new_token(make_user(), now=now)

    with pytest.raises(LinkSpentError):
        redeem(token, now=now + timedelta(hours=24, minutes=1))
    assert redeem(token, now=now + timedelta(hours=23))


def test_a_new_link_takes_the_place_of_the_unused_one():
    anna, bert = make_user("anna"), make_user("bert")
    used, unused, berts = new_token(anna), "", new_token(bert)
    redeem(used)
    unused = new_token(anna)

    newest = new_token(anna)

    with pytest.raises(LinkSpentError):
        redeem(unused)
    assert (redeem(newest), redeem(berts)) == (anna, bert)
    assert EnterLink.objects.count() == 3, "used ones stay for a day"


def test_no_log_holds_a_token(client, caplog):
    written, console = io.StringIO(), logging.getHandlerByName("console")
    token = "a-token-that-nobody-should-read"
    assert console is not None
    own = logging.StreamHandler(written)
    own.filters = list(console.filters)
    logging.getLogger().addHandler(own)
    try:
        client.get(enter_path(token))
        logging.getLogger("elsewhere").warning("Forbidden: %s", enter_path(token))
    finally:
        logging.getLogger().removeHandler(own)

    assert written.getvalue().count("/enter/") == 2
    assert token not in written.getvalue() + caplog.text


def test_a_link_of_one_who_was_shut_out_does_not_work():
    user = make_user()
    token = new_token(user)
    user.is_active = False
    user.save()

    with pytest.raises(LinkSpentError):
        redeem(token)


def test_the_database_does_not_know_the_token():
    token = new_token(make_user())

    assert token not in EnterLink.objects.get().token_hash


def test_enter_link_prints_a_link_for_the_first_superuser(client, capsys, django_user_model):
    make_user("bert")
    owner = django_user_model.objects.create_superuser("anna")

    call_command("enter_link")
    link = capsys.readouterr().out.strip()

    assert link.startswith("http://127.0.0.1:8000/enter/")
    client.get(link.removeprefix("http://127.0.0.1:8000"))
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_enter_link_knows_nobody_of_that_name():
    with pytest.raises(CommandError, match="no active user “nobody”"):
        call_command("enter_link", "--user", "nobody")


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


def test_without_a_broker_logins_are_counted_in_memory(client, settings, caplog):
    settings.LOGINS_PER_MINUTE = 1
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    limits._redis.cache_clear()
    try:
        statuses = [guess(client, "lonely", "198.51.100.4") for _ in range(2)]
    finally:
        limits._redis.cache_clear()

    assert statuses == [422, 429]
    assert "counted in memory" in caplog.text


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
    limits._memory().reset()
