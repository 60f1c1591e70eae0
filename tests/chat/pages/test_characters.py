"""Characters: their sheets, their portraits, and who may see them."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from chat.story.models import CastMember, Character, Chat
from chat.turns import chats, portraits
from chat.turns.portraits import MAX_BYTES
from tests.factories import cast_of, make_character, make_chat, make_user, owner_of

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def player():
    return make_user()


@pytest.fixture
def client(player) -> Client:
    client = Client()
    client.force_login(player)
    return client


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 600), name: str = "mara.png") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return SimpleUploadedFile(name, out.getvalue(), content_type="image/png")


SHEET = {
    "name": "Mara",
    "description": "Keeps the light.",
    "personality": "Patient.",
    "scenario_note": "Has the letter.",
    "greeting": "“You are late.”",
    "example_dialogue": "“Weather is Tuesday.”",
    "talkativeness": "0.8",
    "tags": "north, lamp",
}


def test_a_form_keeps_a_character_with_all_its_fields(client):
    answer = client.post("/characters/", SHEET)

    mara = Character.objects.get()
    assert answer["Location"] == "/characters/"
    assert {name: getattr(mara, name) for name in SHEET} == SHEET | {"talkativeness": 0.8, "tags": ["north", "lamp"]}
    assert "Mara" in client.get("/characters/").content.decode()


def test_json_keeps_a_character(client):
    sent = SHEET | {"talkativeness": 0.25, "tags": ["north", "lamp"]}

    answer = client.post("/characters/", sent, content_type="application/json")

    assert answer.status_code == 201
    mara = Character.objects.get(id=answer.json()["id"])
    assert mara.talkativeness == 0.25


def test_a_name_is_enough(client):
    answer = client.post("/characters/", {"name": "Otto"}, content_type="application/json")

    assert Character.objects.get(id=answer.json()["id"]).talkativeness == 0.5


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("not json", 400),
        ("[1]", 400),
        ("{}", 422),
        ('{"name": ""}', 422),
        ('{"name": "a:b"}', 422),
        ('{"name": ["a", {"b": 1}]}', 422),
        ('{"name": "Mara", "talkativeness": 2}', 422),
        ('{"name": "Mara", "talkativeness": "often"}', 422),
        ('{"name": "Mara", "talkativeness": NaN}', 422),
        ('{"name": "' + "x" * 81 + '"}', 422),
    ],
)
def test_a_character_that_cannot_be_kept_is_refused_with_a_sentence(client, body, status):
    answer = client.post("/characters/", body, content_type="application/json")

    assert answer.status_code == status
    assert answer.json()["detail"]
    assert not Character.objects.exists()


def test_two_of_one_name_cannot_be_in_one_story(client, player):
    chat = make_chat(player)
    mara, other = make_character(player, "Mara"), make_character(player, "mara")
    chats = Chat.objects.count()

    begun = client.post("/chats/", {"title": "Two", "characters": [mara.pk, other.pk]})
    added = client.post(f"/chats/{chat.id}/cast/", {"character": other.pk}, headers=JSON)

    assert begun.status_code == added.status_code == 422
    assert "Two in “Two” would be called Mara" in begun.content.decode()
    page = client.post(f"/chats/{chat.id}/cast/", {"character": other.pk, "next": f"/chats/{chat.id}/info/#cast"})
    assert f'href="/chats/{chat.id}/info/#cast">Back</a>' in page.content.decode()
    assert added.json()["detail"].startswith("Two in “Night watch” would be called Mara: ")
    assert Chat.objects.count() == chats
    assert not chat.cast.filter(character=other.pk).exists()


def test_a_character_does_not_take_the_name_of_another_in_its_stories(client, player):
    chat = make_chat(player)
    ilse = cast_of(chat)["Ilse"]

    refused = client.post(f"/characters/{ilse}/", SHEET | {"name": "MARA"})

    assert refused.status_code == 422
    assert "Two in “Night watch” would be called Mara" in refused.content.decode()
    assert Character.objects.get(pk=ilse).name == "Ilse"


def test_a_character_of_a_story_that_has_two_of_its_name_can_still_be_edited_and_a_deleted_story_does_not_count(
    client, player
):
    chat = make_chat(player)
    cast = cast_of(chat)
    CastMember.objects.filter(character=cast["Ilse"]).update(name="Mara")
    edited = client.post(f"/characters/{cast['Mara']}/", SHEET | {"description": "Older."})
    chats.delete(chat, by=player)
    renamed = client.post(f"/characters/{cast['Mara']}/", SHEET | {"name": "Ilse"})

    assert (edited.status_code, renamed.status_code) == (302, 302)
    assert Character.objects.get(pk=cast["Mara"]).name == "Ilse"


def test_a_sheet_with_half_a_character_is_kept_without_it(client):
    sent = {"name": "Ma\ud800ra", "description": "\udfff"}
    answer = client.post("/characters/", sent, content_type="application/json")

    assert answer.status_code == 201
    assert Character.objects.get().name == "Ma\ufffdra"


@pytest.mark.parametrize("body", ["[" * 100_000, '{"name": "\\ud800", "\\ud800": {}}'])
def test_a_body_that_cannot_be_read_is_refused_with_a_sentence(client, body):
    answer = client.post("/characters/", body, content_type="application/json", headers={"Accept": "text/html"})

    assert answer.status_code in {400, 422}
    assert not Character.objects.exists()


def test_a_form_with_errors_keeps_what_was_typed(client):
    answer = client.post("/characters/", SHEET | {"name": "a:b"})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Has the letter." in html
    assert "A name cannot have a colon." in html


def test_saving_a_sheet_reaches_the_chats_it_plays_in():
    chat = make_chat()
    client = Client()
    client.force_login(owner_of(chat))
    mara = cast_of(chat)["Mara"]

    answer = client.post(f"/characters/{mara}/", SHEET | {"description": "Older now."})

    assert answer["Location"] == "/characters/"
    assert chat.cast.get(character=mara).card["description"] == "Older now."


def test_somebody_elses_character_is_not_there(client):
    theirs = make_character(make_user(), "Theirs")

    assert client.get(f"/characters/{theirs.pk}/").status_code == 404
    assert client.post(f"/characters/{theirs.pk}/", SHEET).status_code == 404


# --- Portraits -----------------------------------------------------------------------------------------------


def stored(client: Client, **fields) -> Character:
    client.post("/characters/", SHEET | fields)
    return Character.objects.get()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_portrait_is_kept_as_a_small_square_and_shown(client, kind):
    mara = stored(client, portrait=picture(kind))

    shown = client.get(f"/portraits/{mara.portrait}")
    with Image.open(io.BytesIO(shown.content)) as seen:
        assert (seen.format, seen.size) == ("WEBP", (512, 512))
    assert shown["Content-Type"] == "image/webp"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert "private" in shown["Cache-Control"]


def test_a_portrait_is_never_seen_half_written(client, tmp_path):
    name = stored(client, portrait=picture()).portrait
    kept = tmp_path / "portraits" / name
    before = kept.stat()

    client.post("/characters/", SHEET | {"name": "Twin", "portrait": picture()})

    assert [path.name for path in kept.parent.iterdir()] == [name]
    assert kept.stat().st_ino == before.st_ino, "it is not written again"


def test_a_portrait_that_could_not_be_put_in_its_place_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()

    with pytest.raises(OSError, match="taken"):
        portraits._write_whole(tmp_path / "taken", b"picture")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html><script>", b"\x89PNG\r\n"],
)
def test_what_is_no_picture_is_refused_whatever_it_is_called(client, content):
    file = SimpleUploadedFile("mara.png", content, content_type="image/png")

    answer = client.post("/characters/", SHEET | {"portrait": file})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Has the letter." in html, "no typed word is lost"
    assert not Character.objects.exists()


def test_a_picture_over_5_mb_is_refused(client):
    file = SimpleUploadedFile("mara.png", b"\x89PNG" + b"x" * MAX_BYTES, content_type="image/png")

    answer = client.post("/characters/", SHEET | {"portrait": file})

    assert answer.status_code == 422
    assert "larger than 5 MB" in answer.content.decode()


def test_a_portrait_stays_until_it_is_replaced_or_taken_away(client):
    mara = stored(client, portrait=picture())
    first = mara.portrait

    client.post(f"/characters/{mara.pk}/", SHEET)
    mara.refresh_from_db()
    assert mara.portrait == first

    client.post(f"/characters/{mara.pk}/", SHEET | {"remove_portrait": "on"})
    mara.refresh_from_db()
    assert mara.portrait == ""


def test_a_portrait_is_shown_to_those_who_play_with_it_and_to_nobody_else(client):
    mara = stored(client, portrait=picture())
    outsider = Client()
    outsider.force_login(make_user())

    assert client.head(f"/portraits/{mara.portrait}").status_code == 200
    assert outsider.get(f"/portraits/{mara.portrait}").status_code == 404
    assert Client().get(f"/portraits/{mara.portrait}").status_code == 302


@pytest.mark.parametrize("name", ["..%2f..%2fsecret_key", "x.webp", "0" * 64 + ".webp", "0" * 64 + ".svg"])
def test_no_other_file_is_ever_served(client, name):
    assert client.get(f"/portraits/{name}").status_code == 404


def test_adopting_takes_those_of_a_cast_one_does_not_have():
    chat = make_chat()
    guest = make_user()
    chat.membership_set.create(user_id=guest.pk, role="guest")
    client = Client()
    client.force_login(guest)
    make_character(guest, "Mara")

    answer = client.post("/characters/adopt/", {"chat": chat.id}, headers=JSON)

    assert answer.status_code == 201
    names = Character.objects.filter(owner=guest).order_by("id").values_list("name", flat=True)
    assert list(names) == ["Mara", "Ilse"]
