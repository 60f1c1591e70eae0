"""The demo story: written once, playable at once, in the log like any other."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chat.story.models import Character, Chat
from chat.turns import claims
from chat.turns.demo import STORY, demo_of, write_demo
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(django_user_model):
    return django_user_model.objects.create_superuser("anna")


def test_the_demo_is_a_scene_with_three_characters_and_a_question(owner):
    chat = Chat.objects.get(id=write_demo(owner, now=timezone.now()))

    turns = list(chat.turns.live().in_story_order())
    assert [(turn.speaker_name, turn.text) for turn in turns] == [(name or "You", text) for name, text in STORY]
    assert len(chat.present) == 3
    assert turns[-1].speaker_name != "You"
    assert "?" in turns[-1].text
    assert turns[-1].said_at < timezone.now()


def test_nobody_goes_on_by_themselves(owner):
    write_demo(owner, now=timezone.now())

    assert claims.waiting(now=timezone.now() + timedelta(minutes=1)) == []


def test_its_characters_have_whole_sheets(owner):
    write_demo(owner, now=timezone.now())

    empty = [
        (one.name, field)
        for one in Character.objects.filter(owner=owner)
        for field in ("description", "personality", "scenario_note", "example_dialogue", "greeting", "tags")
        if not getattr(one, field)
    ]
    assert Character.objects.filter(owner=owner).count() == 3
    assert empty == []


def test_seeding_again_adds_nothing_unless_told_so(owner, capsys):
    call_command("seed_demo")
    call_command("seed_demo")
    assert Chat.objects.count() == 1
    assert "there already" in capsys.readouterr().out

    call_command("seed_demo", "--again")

    assert Chat.objects.count() == 2
    assert Character.objects.count() == 3


def test_seeding_looks_through_another_title_and_a_deletion(owner):
    chat = write_demo(owner, now=timezone.now())
    Chat.objects.filter(id=chat).update(title="Mine now", deleted_at=timezone.now())

    assert demo_of(owner) == chat


def test_seeding_for_somebody_by_name(owner):
    bert = make_user("bert")

    call_command("seed_demo", "--user", "bert")

    assert Chat.objects.get().owner_id == bert.pk


def test_seeding_without_a_superuser_says_so():
    with pytest.raises(CommandError, match="no superuser yet"):
        call_command("seed_demo")
