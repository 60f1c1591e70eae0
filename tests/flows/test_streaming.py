"""What a player is promised while a reply is written: the same words on every screen, nothing twice, nothing lost."""

import asyncio
import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.chat.streaming.tabs import Transcript
from tests.flows.visitor import Visitor
from tests.model_server import say
from tests.site import Site

LONG = "".join(f"Word {number} – „ünï“ 🕯️, " for number in range(60)).strip() + "."


@pytest.fixture(scope="module")
def second(owner: Visitor) -> Iterator[Site]:
    site = owner.site.another()
    yield site
    site.stop()


async def test_two_tabs_of_two_processes_show_the_same_words_from_beginning_to_end(visitor: Visitor, second: Site):
    gate = threading.Event()
    visitor.site.model.script(say(LONG, chunk=5, gate=gate))

    async with visitor.tab() as here, visitor.tab(second) as there:
        await here.send(type="turn", text="Who is there?", key="1")
        started = await there.until_frame("generation", state="started")
        generation = started["generation"]
        await here.until(lambda page: page.previews.get(generation))
        await there.until(lambda page: page.previews.get(generation))
        gate.set()
        written = []
        for tab in (here, there):
            await tab.until(lambda page: page.previews.get(generation) == LONG)
            await tab.until_frame("generation", state="finished")
            written.append((list(tab.page.turns.items()), tab.page.previews))

    assert written[0] == written[1]
    assert [turn["text"] for turn in visitor.turns()] == ["Who is there?", LONG]


async def test_one_who_comes_in_the_middle_has_the_text_so_far_at_once(visitor: Visitor, second: Site):
    gate = threading.Event()
    visitor.site.model.script(say(LONG, chunk=40, gate=gate))

    async with visitor.tab() as first:
        await first.send(type="turn", text="Who is there?")
        await first.until(lambda page: page.previews)
        async with visitor.tab() as late, visitor.tab(second) as late_elsewhere:
            assert (await late.until_frame("snapshot"))["text"] == LONG[:40]
            await late_elsewhere.until(lambda page: LONG[:40] in page.previews.values())
            gate.set()
            for tab in (first, late):
                await tab.until(lambda page: LONG in page.previews.values())
            # In another process the settled turn may be quicker than the last words before it.
            ends = [await tab.until_frame("generation", state="finished") for tab in (first, late, late_elsewhere)]
            assert len({tab.page.turns[ends[0]["turn_id"]] for tab in (first, late, late_elsewhere)}) == 1


async def test_a_reload_at_any_moment_shows_the_same_text_at_once_and_goes_on(visitor: Visitor):
    visitor.site.model.script(say(LONG, chunk=3, delay=0.01))
    async with visitor.tab() as first:
        await first.send(type="turn", text="Who is there?")
        generation = (await first.until_frame("generation", state="started"))["generation"]

    shown = ""
    for _ in range(6):
        async with visitor.tab() as reloaded:
            await reloaded.until_frame("snapshot", generation=generation)
            assert reloaded.page.previews[generation].startswith(shown)
            await reloaded.until(lambda page: len(page.of("delta")) >= 10)
            shown = reloaded.page.previews[generation]
            assert LONG.startswith(shown)

    await asyncio.to_thread(visitor.post, f"/chats/{visitor.chat}/turns/cancel/", {})


async def test_what_was_missed_offline_comes_without_duplicate_and_without_gap(visitor: Visitor):
    page = Transcript()
    async with visitor.tab(page=page) as tab:
        await tab.send(type="turn", text="One")
        await tab.until_frame("generation", state="finished")
    visitor.post(f"/chats/{visitor.chat}/turns/", {"text": "Two"})
    visitor.post(f"/chats/{visitor.chat}/turns/", {"text": "Three"})

    async with visitor.tab(since=page.position, page=page) as tab:
        await tab.until(lambda page: len(page.turns) >= 5 and not page.previews)

    assert list(page.turns) == [turn["id"] for turn in visitor.turns()][: len(page.turns)]


async def test_stop_works_from_another_process(visitor: Visitor, second: Site):
    visitor.site.model.script(say(LONG, chunk=10, gate=threading.Event()))

    async with visitor.tab() as here, visitor.tab(second) as there:
        await here.send(type="turn", text="Who is there?")
        await here.until(lambda page: page.previews)
        await there.send(type="stop")
        for tab in (here, there):
            assert await tab.until_frame("generation", state="stopped")

    await asyncio.to_thread(visitor.site.model.wait_for_disconnect)
    assert visitor.turns()[-1]["state"] == "stopped"


async def test_valkey_may_restart_in_the_middle_of_a_reply(visitor: Visitor, second: Site):
    gate = threading.Event()
    visitor.site.model.script(say(LONG, chunk=5, gate=gate), say("Still here.", chunk=3))

    async with visitor.tab() as here, visitor.tab(second) as there:
        await here.send(type="turn", text="Who is there?")
        await here.until(lambda page: page.previews)
        await there.until(lambda page: page.previews)
        await asyncio.to_thread(visitor.site.valkey.restart)
        gate.set()
        for tab in (here, there):
            await tab.until_frame("generation", state="finished")
        await here.send(type="turn", text="Are you still there?")
        for tab in (here, there):
            # That somebody speaks may get lost with the broker; what was said does not.
            await tab.until(lambda page: len(page.turns) == 4 and not page.previews)


async def test_with_a_dead_broker_one_process_is_all_it_takes(new_site: Callable[[], Site]):
    site = new_site()
    site.valkey.stop()
    site.start()
    visitor = Visitor(site)
    visitor.begin_a_story()
    try:
        site.model.script(say(LONG, chunk=5))
        async with visitor.tab() as one, visitor.tab() as other:
            await one.send(type="turn", text="Who is there?")
            for tab in (one, other):
                await tab.until(lambda page: LONG in page.previews.values())
                await tab.until_frame("generation", state="finished")
    finally:
        site.kill()
        site.model.__exit__(None, None, None)


async def test_a_killed_process_leaves_an_interrupted_turn_that_can_be_retried(site: Site):
    visitor = Visitor(site)
    visitor.begin_a_story()
    site.model.script(say(LONG, chunk=5, delay=0.05))
    async with visitor.tab() as tab:
        await tab.send(type="turn", text="Who is there?")
        page = await tab.until(lambda page: any(len(text) > 250 for text in page.previews.values()))
    [(generation, shown)] = page.previews.items()

    site.kill()
    site.start()
    async with visitor.tab(since=page.position, page=page) as tab:
        # Settled before the tab was back, or after.
        await tab.until(lambda page: len(page.turns) == 2)
        [_, turn] = visitor.turns()
        # As of at most two seconds before: forty pieces of five characters.
        assert turn["state"] == "interrupted"
        assert shown.startswith(turn["text"][:100])
        assert len(turn["text"]) >= len(shown) - 2 / 0.05 * 5
        site.model.script(say("I am here."))
        await tab.send(type="retry", generation=generation)
        await tab.until_frame("turn_html_replace", supersedes_id=turn["id"])

    assert [turn["text"] for turn in visitor.turns()] == ["Who is there?", "I am here."]


async def test_the_process_ends_in_time_with_tabs_and_event_streams_open_and_loses_no_text(site: Site):
    visitor = Visitor(site)
    visitor.begin_a_story()
    site.model.script(say(LONG, chunk=200, gate=threading.Event()))

    with visitor.events():
        async with visitor.tab() as tab:
            await tab.send(type="turn", text="Who is there?")
            page = await tab.until(lambda page: page.previews)
            took = await asyncio.to_thread(site.stop)
    site.start()

    assert took < 4
    [shown] = page.previews.values()
    assert [(turn["state"], turn["text"]) for turn in visitor.turns()][1:] == [("interrupted", shown.strip())]


def test_an_event_stream_resumes_where_it_was(visitor: Visitor):
    with visitor.events() as next_event:
        visitor.post(f"/chats/{visitor.chat}/turns/", {"text": "One"})
        first = next_event()
        reply = next_event()
    visitor.post(f"/chats/{visitor.chat}/turns/", {"text": "Two"})

    seen = []
    for last in (first["id"], first["id"].split(":")[-1]):
        with visitor.events(**{"Last-Event-ID": last}) as next_event:
            seen.append([next_event()["id"] for _ in range(2)])

    assert first["event"] == "turn_html"
    assert "One" in first["data"]
    assert first["data"].lstrip().startswith("<article")
    assert seen[0] == seen[1]
    assert seen[0][0] == reply["id"]


def test_an_event_stream_refuses_rubbish_and_strangers(visitor: Visitor):
    def status(**headers: str) -> int:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", visitor.site.port, timeout=20)) as connection:
            connection.request("GET", f"/chats/{visitor.chat}/events/", headers=headers)
            with connection.getresponse() as response:
                return response.status

    cookie = {"Cookie": f"sessionid={visitor.session}"}

    assert status(**cookie, **{"Last-Event-ID": "yesterday"}) == 400
    assert status(**cookie, **{"Last-Event-ID": "chat-999:3"}) == 400
    assert status() == 404
