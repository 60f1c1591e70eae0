"""Every page but the chat page, in a real browser: that it can be used by everybody, with scripts and without."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.player import PATIENCE
from tests.browser.sight import faults, violations
from tests.site import Site

ADD_BERT = "from django.contrib.auth.models import User; User.objects.create_user('bert', password='lamp-oil-77')"


@pytest.fixture(scope="module")
def site(shared_site: Site) -> Site:
    shared_site.manage("seed_demo")
    shared_site.manage("shell", "-v0", "-c", ADD_BERT)
    return shared_site


@pytest.fixture(scope="module")
def owners(site: Site, browser: Any) -> Any:
    """What the owner's browser remembers after the printed link was opened."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.enter_link())
    expect(page).to_have_url(re.compile(r"/chats/\d+/$"))
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(site: Site, browser: Any, owners: Any) -> Iterator[Any]:
    """The owner's page; nothing may be refused or thrown in it."""
    yield from _opened(browser, site, storage_state=owners)


@pytest.fixture
def plain(site: Site, browser: Any, owners: Any) -> Iterator[Any]:
    """The owner's page in a browser without scripts."""
    yield from _opened(browser, site, storage_state=owners, java_script_enabled=False)


@pytest.fixture
def stranger(site: Site, browser: Any) -> Iterator[Any]:
    """A page nobody is signed in on."""
    yield from _opened(browser, site)


def _opened(browser: Any, site: Site, **how: Any) -> Iterator[Any]:
    context = browser.new_context(base_url=site.url, **how)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert complaints == []


def demo(page: Any) -> str:
    """The path of the demo story."""
    page.goto("/")
    path: str = page.get_by_role("link", name="Night watch").first.get_attribute("href")
    return path


def why_of_the_last_turn(page: Any) -> str:
    chat = demo(page)
    turns = page.request.get(f"{chat}turns/").json()
    return f"{chat}turns/{turns[-1]['id']}/why/"


OWNERS = [
    "/", "/?q=nothing-like-it", "/?archived=1", "/chats/new/", "{demo}info/", "{why}", "/characters/", "{character}",
    "/characters/new/", "/account/", "/account/password/", "/model/", "/nowhere/",
]  # fmt: skip


@pytest.mark.parametrize("path", OWNERS)
def test_a_page_is_for_everybody(page, path):
    if "{demo}" in path:
        path = path.format(demo=demo(page))
    elif path == "{why}":
        path = why_of_the_last_turn(page)
    elif path == "{character}":
        page.goto("/characters/")
        path = page.get_by_role("link", name="Mara").first.get_attribute("href")

    page.goto(path)

    assert faults(page) == {}


@pytest.mark.parametrize("path", ["/accounts/login/", "/enter/never-given-out/"])
def test_the_door_is_for_everybody(stranger, path):
    stranger.goto(path)

    assert faults(stranger) == {}


@pytest.mark.parametrize("path", ["/chats/", "/characters/"])
def test_a_form_with_errors_is_for_everybody(page, path):
    page.goto(f"{path}new/")
    page.get_by_role("button", name=re.compile("Begin|Keep")).click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert faults(page) == {}


def test_a_newcomer_finds_something_to_do_on_every_page(stranger):
    stranger.goto("/")
    stranger.get_by_label("Name").fill("bert")
    stranger.get_by_label("Password").fill("lamp-oil-77")
    stranger.get_by_role("button", name="Sign in").click()

    for path in ("/characters/", "/chats/new/", "/"):
        stranger.goto(path)
        expect(stranger.get_by_role("button", name="Read the demo story")).to_be_visible()
        assert violations(stranger) == []
    stranger.get_by_role("button", name="Read the demo story").click()
    expect(stranger.get_by_role("heading", name="Night watch", level=1)).to_be_visible()


def test_the_test_button_says_in_place_whether_the_model_answers(page):
    page.goto("/model/")
    page.get_by_role("button", name="Test it").click()

    expect(page.get_by_role("status").filter(has_text="It works.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/model/$"))


def test_a_portrait_is_seen_before_it_is_sent(page):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, "PNG")

    page.goto("/characters/new/")
    picture = {"name": "v.png", "mimeType": "image/png", "buffer": out.getvalue()}
    page.get_by_label("Portrait", exact=True).set_input_files(picture)
    expect(page.locator("#frame img")).to_be_visible()
    page.get_by_label("Name").fill("Vera")
    page.get_by_role("button", name="Keep this character").click()

    kept = page.get_by_role("link", name="Vera").locator("img")
    expect(kept).to_be_visible()
    expect(kept).to_have_js_property("naturalWidth", 64)


def test_a_portrait_that_is_too_large_is_refused_before_anything_is_sent(page):
    page.goto("/characters/new/")
    page.get_by_label("Name").fill("Vera")
    large = {"name": "v.png", "mimeType": "image/png", "buffer": bytes(5 * 1024 * 1024 + 1)}
    page.get_by_label("Portrait", exact=True).set_input_files(large)

    expect(page.get_by_role("alert")).to_have_text("This picture is larger than 5 MB. Choose a smaller one.")
    expect(page.get_by_label("Portrait", exact=True)).to_have_value("")
    expect(page.get_by_label("Name")).to_have_value("Vera")


def test_a_deleted_chat_comes_back_with_undo(page):
    begin(page, "Gone and back")

    page.goto("/")
    page.get_by_role("link", name="About this chat “Gone and back”").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="Gone and back")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("heading", name="Gone and back", level=1)).to_be_visible()


def test_without_scripts_a_story_is_cast_begun_set_and_put_away(plain):
    plain.goto("/characters/new/")
    plain.get_by_label("Name").fill("Otto")
    plain.get_by_role("button", name="Keep this character").click()
    expect(plain.get_by_role("link", name="Otto")).to_be_visible()

    begin(plain, "By hand")
    expect(plain.get_by_role("heading", name="By hand", level=1)).to_be_visible()

    plain.goto("/")
    plain.get_by_role("link", name="About this chat “By hand”").click()
    plain.get_by_label("Premise").fill("A quieter beginning.")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_text("Saved.")).to_be_visible()

    plain.get_by_role("button", name="Archive").click()
    expect(plain.get_by_role("link", name="1 archived chat")).to_be_visible()


def begin(page: Any, title: str) -> None:
    page.goto("/chats/new/")
    page.get_by_label("Mara").check()
    page.get_by_label("Ilse").check()
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_role("button", name="Begin").click()
