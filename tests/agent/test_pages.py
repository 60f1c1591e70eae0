"""What players and operators see of the subscribers' work: search, charts, the line of what is read, the admin."""

from datetime import date

import pytest
from django.contrib import admin

from agent.desk_models import ApiToken, Desk
from agent.models import DayOfChat
from agent.projections.activity import Activity, days_of, days_of_all
from agent.projections.turn_search import TurnSearch
from agent.templatetags.activity import activity_chart
from tests.agent.test_projector import run
from tests.factories import make_chat, make_user, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)

#: But for tokens, which are made and revoked there, and the desk, which is the first page (see tests/agent/admin).
OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in {"chat", "agent"} and model not in {ApiToken, Desk}
]
NAVIGATE = {"Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def chat():
    return make_chat()


@pytest.fixture
def player(client, chat):
    client.force_login(owner_of(chat))
    return client


@pytest.fixture
def operator(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("operator"))
    return client


def day(when: str, **sums: int) -> None:
    DayOfChat.objects.create(epoch=0, day=date.fromisoformat(when), **{"chat": 1, "said": 1, **sums})


def test_a_person_who_is_not_signed_in_is_led_to_the_door_and_a_stranger_to_a_page(client, chat):
    assert client.get("/agent/search/?q=x", headers=NAVIGATE).url == "/accounts/login/?next=/agent/search/%3Fq%3Dx"

    client.force_login(make_user())
    answer = client.get(f"/agent/chats/{chat.id}/activity/", headers=NAVIGATE)
    assert (answer.status_code, answer["Content-Type"][:9]) == (404, "text/html")


def test_the_hits_lead_to_their_turn_and_say_when_there_may_be_more(player, chat):
    turns = [say(chat, f"*The lantern* {n}") for n in range(21)]
    run(TurnSearch())

    hits = player.get("/agent/search/hits/?q=lantern").content.decode()

    assert f'href="/chats/{chat.id}/?at={turns[-1]}#turn-{turns[-1]}"' in hits
    assert "The <mark>lantern</mark> 20" in hits
    assert "The 20 newest." in hits
    assert player.get("/agent/search/hits/?q=").content.decode().strip() == ""


def test_the_chart_is_of_the_thirty_days_up_to_the_last_one_with_a_table():
    day("2026-01-01", said=9)
    day("2026-03-01", said=2, replies=6)
    day("2026-03-30", said=1, replies=1)

    shown = activity_chart(days_of(1))

    assert [(bar.day.day.isoformat(), bar.x) for bar in shown["bars"]] == [("2026-03-01", 0), ("2026-03-30", 29 * 14)]
    assert [bar.said + bar.replies for bar in shown["bars"]] == [72.0, 18.0]
    assert shown["totals"]["turns"] == 19
    assert activity_chart([]) == {"bars": []}


def test_all_chats_together_are_their_days_added_up():
    day("2026-03-01", said=2, replies=6, timed=1, first_token_ms=300, duration_ms=900)
    day("2026-03-01", chat=2, said=1, timed=1, first_token_ms=100, duration_ms=500)

    [both] = days_of_all()

    assert (both.said, both.replies, both.first_token_ms, both.duration_ms) == (3, 6, 200, 700)


def test_the_line_asks_the_database_the_same_however_much_is_unread(player, chat, django_assert_max_num_queries):
    for _ in range(9):
        say(chat, "Again.")

    with django_assert_max_num_queries(9):
        line = player.get(f"/agent/chats/{chat.id}/reading/line/").content.decode()

    assert "2 of 3 readers done" in " ".join(line.split())


@pytest.mark.parametrize("model", OURS)
def test_nobody_adds_changes_or_deletes_a_row_of_the_log_or_of_what_follows_from_it(model, rf, django_user_model):
    page, request = admin.site.get_model_admin(model), rf.get("/")
    request.user = django_user_model.objects.create_superuser("operator")

    assert page.has_view_permission(request)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


def test_every_page_of_the_admin_opens_and_the_days_have_their_chart(operator, chat):
    say(chat, "One")
    run(TurnSearch(), Activity())

    for model in OURS:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert operator.get(path, {"q": "1"}).status_code == 200, path

    days = operator.get("/admin/agent/dayofchat/").content.decode()
    assert "Turns a day from" in days


def test_the_charts_of_all_chats_are_for_staff_alone(player):
    assert player.get("/admin/agent/dayofchat/").status_code == 302
