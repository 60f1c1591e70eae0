"""The one-time link: whom it signs in, how often, how long, and who never gets to read it."""

import io
import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from chat.pages.entering import LIFETIME, LinkSpentError, enter_path, new_token, redeem
from chat.pages.models import EnterLink
from tests.factories import make_chat, make_user, owner_of

pytestmark = pytest.mark.django_db


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


def test_a_used_link_leads_whoever_is_signed_in_to_their_chats(client):
    path = enter_path(new_token(make_user("anna")))
    client.get(path)

    assert (client.get(path).status_code, client.get(path)["Location"]) == (302, "/")


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
