"""What is let go of, and what stays."""

import io
import os
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from chat.story.models import Character, Chat
from chat.turns import pruning
from chat.turns.models import Generation
from chat.turns.portraits import store_portrait
from tests.factories import cast_of, make_chat

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()


def asked(chat: Chat, name: str, *, days: float, state: str = "finished") -> None:
    Generation.objects.create(
        id=name, chat=chat, group=1, answers_up_to=1, speaker=cast_of(chat)["Mara"], speaker_name="Mara",
        state=state, started_at=NOW - timedelta(days=days), leased_until=NOW, prompt={"script": "A play."},
        thinking="Hm.", model="scripted",
    )  # fmt: skip


def kept() -> set[str]:
    return set(Generation.objects.filter(prompt__isnull=False).values_list("id", flat=True))


def test_prompts_are_kept_for_some_days_and_of_the_newest_replies(settings):
    settings.PROMPTS_PER_CHAT, settings.PROMPT_DAYS = 2, 30
    one, other = make_chat(), make_chat()
    for days in (1, 2, 3):
        asked(one, f"one {days}", days=days)
    asked(other, "young", days=29)
    asked(other, "old", days=31)
    asked(make_chat(), "running", days=31, state="running")

    assert pruning.prune_prompts(now=NOW) == 2

    assert kept() == {"one 1", "one 2", "young", "running"}
    gone = Generation.objects.get(id="old")
    assert (gone.thinking, gone.model) == ("", "scripted")
    assert pruning.prune_prompts(now=NOW) == 0


def test_portraits_go_when_neither_a_character_nor_a_cast_has_them(settings, tmp_path, capsys):
    settings.MEDIA_ROOT = tmp_path
    names = [store_portrait(picture(colour)) for colour in ("red", "green", "blue", "white")]
    of_a_character, of_a_cast, unused, again = names
    chat = make_chat()
    Character.objects.filter(name="Mara").update(portrait=of_a_character)
    member = chat.cast.get(name="Ilse")
    member.card |= {"portrait": of_a_cast}
    member.save()
    for name in names:
        os.utime(tmp_path / "portraits" / name, (0, 0))
    assert store_portrait(picture("white")) == again

    call_command("prune")

    assert "Portraits deleted: 1." in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "portraits").iterdir()} == set(names) - {unused}
