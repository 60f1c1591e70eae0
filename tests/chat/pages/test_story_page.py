"""What the chat page shows of a story, and how much it asks the database for it."""

import re
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.log import read
from chat.story.models import Chat, Turn
from chat.turns import chats, claims, rewriting, scenes
from chat.turns.models import Generation
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import regenerate, reply

pytestmark = pytest.mark.django_db(transaction=True)


def many_turns(chat: Chat, number: int) -> None:
    """A long story, faster than by playing it."""
    first = read.head(chat.stream) + 1 + Turn.objects.filter(chat=chat).count()
    Turn.objects.bulk_create(
        Turn(
            id=first + at, place=first + at, group=first + at, chat=chat, kind="user_turn", speaker_name="You",
            text=f"*Words* of turn {at}.", state="complete", scene=chat.scene, witnesses=[],
            said_at=chat.created_at + timedelta(seconds=at),
        )
        for at in range(number)
    )  # fmt: skip


def before(number, act):
    """A wrapper of statements that does something before one of them, counted from 1."""
    asked = count(1)

    def wrapper(execute, *rest):
        if next(asked) == number:
            act()
        return execute(*rest)

    return wrapper


def test_what_is_recorded_while_the_page_is_made_is_on_it_or_comes_after_its_position(client, chat):
    by = owner_of(chat)
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/chats/{chat.id}/")

    for number in range(1, len(asked) + 1):
        title = f"Title {number}"
        with connection.execute_wrapper(before(number, lambda title=title: chats.rename(chat, title=title, by=by))):
            html = client.get(f"/chats/{chat.id}/").content.decode()
        position, shown = re.search(r'data-position="(\d+)"\s+data-title="([^"]*)"', html).groups()
        assert shown == title or int(position) < read.head(chat.stream), number


def test_the_page_shows_the_story_its_cast_and_the_composer(client, chat):
    say(chat, "“Who is there?”")

    html = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    for part in ("“Who is there?”", "Mara", "Ilse", "A lamp must be kept burning.", 'role="log"', 'name="text"'):
        assert part in html
    assert "style=" not in html
    assert "<script>" not in html


def test_a_long_story_opens_with_few_queries(client, chat, django_assert_max_num_queries):
    many_turns(chat, 10_000)
    client.get(f"/chats/{chat.id}/")

    with django_assert_max_num_queries(12):
        html = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    assert html.count('class="turn player"') == 50
    assert "Words</em> of turn 9999." in html


def test_what_was_edited_brought_back_and_deleted_costs_no_query_more(client, chat, django_assert_max_num_queries):
    by, original = owner_of(chat), [reply(chat, "Mara", f"{number}.") for number in range(3)]
    another = regenerate(chat, original[2])
    last = [reply(chat, "Mara", f"{number}.") for number in range(3, 6)]
    rewriting.edit(chat, turn=original[0], text="Otherwise.", by=by)
    rewriting.restore(chat, turn=original[2], by=by)
    rewriting.delete(chat, turn=last[1], by=by)
    client.get(f"/chats/{chat.id}/")

    with django_assert_max_num_queries(12):
        html = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    assert html.count('class="edited"') == 1
    assert re.findall(r"turn</a>, ([a-z ]+) <time", html) == ["edited", "edited", "brought back", "deleted"]
    assert f'data-turn-link="{another}"' not in html


def test_earlier_turns_come_fifty_at_a_time(client, chat):
    many_turns(chat, 120)
    places = list(chat.turns.live().in_story_order().values_list("place", flat=True))

    html = client.get(f"/chats/{chat.id}/older/", {"before": places[-50]}).content.decode()

    assert html.count('class="turn player"') == 50
    assert f'data-before="{places[-100]}"' in html
    assert f'data-place="{places[-51]}"' in html
    assert f'data-place="{places[-50]}"' not in html


def test_the_first_page_of_a_story_has_its_premise_and_nothing_before_it(client, chat):
    say(chat, "Hello.")

    html = client.get(f"/chats/{chat.id}/older/").content.decode()

    assert "A lamp must be kept burning." in html
    assert "Earlier turns" not in html


def test_a_link_to_an_old_turn_opens_the_story_there(client, chat):
    many_turns(chat, 200)
    place = list(chat.turns.live().in_story_order().values_list("place", flat=True))[60]

    html = client.get(f"/chats/{chat.id}/", {"at": place}).content.decode()

    assert f'data-place="{place}"' in html
    assert "data-detached" in html
    assert "Newest turns" in html


def test_a_link_to_a_recent_turn_is_the_ordinary_page(client, chat):
    turn = say(chat, "Hello.")

    assert "data-detached" not in client.get(f"/chats/{chat.id}/", {"at": turn}).content.decode()


@pytest.mark.parametrize("place", ["x", "-1", "1e3", str(2**63), "9" * 5000, "٣"])
def test_a_place_that_is_no_number_is_refused(client, chat, place):
    assert client.get(f"/chats/{chat.id}/older/", {"before": place}).status_code == 400


def test_who_comes_and_goes_is_marked_among_the_turns(client, chat):
    ilse, owner = cast_of(chat)["Ilse"], owner_of(chat)
    say(chat, "One.")
    scenes.leave(chat, character=ilse, by=owner)
    say(chat, "Two.")
    scenes.enter(chat, character=ilse, by=owner)
    scenes.open_scene(chat, title="The cellar", present=[ilse], by=owner)
    scenes.close_scene(chat, by=owner)

    html = client.get(f"/chats/{chat.id}/older/").content.decode()

    order = [
        "Scene 1",
        "Mara, Ilse",
        "One.",
        "Ilse leaves",
        "Two.",
        "Ilse enters",
        "Scene 2",
        "The cellar",
        "scene ends",
    ]
    assert sorted(order, key=html.index) == order
    assert html.count("The scene ends") == 1


def test_marks_come_with_the_window_they_stand_in(client, chat):
    many_turns(chat, 60)
    scenes.rename_scene(chat, title="Dusk", by=owner_of(chat))
    first = chat.turns.live().in_story_order().values_list("place", flat=True)[10]

    newest = client.get(f"/chats/{chat.id}/older/").content.decode()
    before = client.get(f"/chats/{chat.id}/older/", {"before": first}).content.decode()

    assert 'class="between' not in newest
    assert before.count('class="between') == 1
    assert "Dusk" in before


def test_one_line_says_who_hears_what_is_said(client, chat):
    both = client.get(f"/chats/{chat.id}/").content.decode()
    scenes.leave(chat, character=cast_of(chat)["Ilse"], by=owner_of(chat))
    one = client.get(f"/chats/{chat.id}/panel/").content.decode()

    assert "Mara and Ilse hear what is said now.<" in both
    assert "Mara hears what is said now. Ilse will not know of it.<" in one


def test_an_empty_story_says_what_to_do(client, chat):
    assert "Nobody has spoken yet" in client.get(f"/chats/{chat.id}/").content.decode()


def test_what_players_write_is_never_markup(client, chat):
    say(chat, "<script>alert('turn')</script>")
    chats.rename(chat, title="<b>Title</b>", by=owner_of(chat))
    chats.change_premise(chat, premise="<i>Premise</i>", by=owner_of(chat))
    scenes.rename_scene(chat, title="<u>Scene</u>", by=owner_of(chat))

    html = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    for markup in ("<script>alert", "<b>Title", "<i>Premise", "<u>Scene"):
        assert markup not in html


def test_the_turns_as_json_are_the_live_ones_in_story_order(client, chat):
    first, second = say(chat, "One."), say(chat, "Two.")

    found = client.get(f"/chats/{chat.id}/turns/").json()

    assert [turn["id"] for turn in found] == [first, second]
    assert found[0] == {
        "id": first, "place": first, "kind": "user_turn", "speaker": "You", "speaker_id": None,
        "text": "One.", "state": "complete", "regenerated_from": None, "interjection_of": None, "variants": 1,
    }  # fmt: skip


def test_a_running_reply_is_on_the_page_with_its_text_so_far_and_stop(client, chat):
    begun = Generation.objects.create(
        id="g1", chat=chat, group=1, answers_up_to=say(chat, "Mara?"), speaker=cast_of(chat)["Mara"],
        speaker_name="Mara", text="“I said", started_at=chat.created_at,
        leased_until=chat.created_at + timedelta(days=9999),
    )  # fmt: skip
    say(chat, "Well?")

    html = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    assert f'class="turn said writing" data-generation="{begun.id}"' in html
    assert "“I said" in html
    assert "Mara is speaking" in html
    assert html.count("Will be answered next.") == 1
    assert 'class="stop"' in html
    assert "hidden>" not in html.split('class="stop"')[1].split("</button>")[0].split("<svg")[0]


def test_while_a_reply_is_rewritten_only_what_was_said_since_waits(client, chat):
    said = reply(chat, "Mara", "Yes.", group=say(chat, "One?"))
    reply(chat, "Mara", "Yes.", group=say(chat, "Two?"))
    claims.claim_rewriting(chat.id, turn=said, asked_by="console", now=timezone.now())
    waits = say(chat, "Three?")

    html = client.get(f"/chats/{chat.id}/").content.decode()

    assert re.findall(r'queued" data-after="(\d+)"', html) == [str(waits)]


def test_a_reply_that_failed_says_why_in_its_place_and_offers_retry(client, chat):
    Generation.objects.create(
        id="g1", chat=chat, group=1, answers_up_to=say(chat, "Mara?"), speaker=cast_of(chat)["Mara"],
        speaker_name="Mara", state="failed", error="The model is out.", started_at=chat.created_at,
        leased_until=chat.created_at,
    )  # fmt: skip

    html = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    assert "Mara could not answer." in html
    assert "The model is out." in html
    assert 'name="generation" value="g1"' in html


def test_the_fragment_beside_the_transcript_has_all_its_parts(client, chat):
    html = client.get(f"/chats/{chat.id}/panel/").content.decode()

    for part in ('id="scene"', 'id="pane-cast"', 'id="pane-scene"', 'id="next"', 'id="pending"'):
        assert part in html


def test_the_list_of_chats_can_be_searched_and_marks_this_one(client, chat):
    make_chat(owner_of(chat), title="The Salt Road")

    both = client.get(f"/chats/{chat.id}/sidebar/").content.decode()
    one = client.get(f"/chats/{chat.id}/sidebar/", {"q": "salt"}).content.decode()
    none = client.get(f"/chats/{chat.id}/sidebar/", {"q": "<zzz>"}).content.decode()

    assert "Night watch" in both
    assert "The Salt Road" in both
    assert both.count("aria-current") == 1
    assert "Night watch" not in one
    assert "No chat has “&lt;zzz&gt;” in its title." in none
