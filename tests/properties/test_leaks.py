"""The witness law: whatever a prompt is made of, nothing in it comes from a turn that its speaker did not witness.

The readers here are as careless as can be: one that copies all it was told into every field of its answer, for
everybody, and the word_reader.
"""

import json
import random
import re

import pytest
from django.conf import settings as site

from chat.log.read import events_of
from chat.story import decisions
from chat.story.fact_models import Decision, StoryEvent
from chat.story.models import Chat, Turn
from chat.story.payloads import MeanwhileOpened
from chat.turns import cautions, scenes, story_events
from chat.turns.claims import NOBODY, Claim, card_of
from chat.turns.interject import question_of
from chat.turns.prompts import Budget, compose_chat
from chat.turns.script import compose_script
from chat.turns.silent_witnesses import prompt_for
from chat.turns.witnessed import material
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import read, record, reply, rewrite
from tests.model_behaviours import Exchange, answer_json
from tests.model_server import ScriptedModelServer

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("Mara", "Ilse", "Tom")
STEPS = 16
#: One in each turn, so that what a prompt quotes can be told.
TOKEN = re.compile(r"zq\d+x")


async def parrot(exchange: Exchange) -> None:
    """Answers any question with everything that it was told, for everybody."""
    told = exchange.body["messages"][-1]["content"].partition("\n\nAnswer with")[0]
    quote = " ".join(TOKEN.findall(told)[-12:])
    listed = [int(number) for number in re.findall(r"^(\d+)\. ", told, re.MULTILINE)]
    answers = {
        "Chronicle": {
            "planned": [{"title": quote, "description": quote}] if quote else [],
            "moved": [{"story_event": number, "to": "active"} for number in listed],
            "memories": [{"witness": name, "text": quote, "importance": 5} for name in NAMES],
            "feelings": [{"character": name, "toward": "You", "change": 1, "why": quote} for name in NAMES],
        },
        "Debrief": {"happened": quote, "open": quote},
        "Caution": {"needed": True, "text": quote, "audience": list(NAMES), "reasoning": quote},
    }
    await answer_json(answers[exchange.body["response_format"]["json_schema"]["name"]])(exchange)


class Play:
    """A story at random."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.chat_id = make_chat(names=NAMES).id
        self.owner = owner_of(self.chat)
        self.cast = cast_of(self.chat)
        self.tokens: dict[str, int] = {}

    @property
    def chat(self) -> Chat:
        return Chat.objects.get(id=self.chat_id)

    def act(self) -> None:
        doings = [self.say, self.say, self.reply, self.reply, self.rewrite, self.come_or_go, self.close, self.by_hand]
        doings += [self.meanwhile]
        self.rng.choice(doings)()

    def say(self) -> None:
        if self.chat.present:
            self.told(say(self.chat, self.text()))

    def reply(self) -> None:
        if self.chat.present:
            self.told(reply(self.chat, self.rng.choice(NAMES), self.text()))

    def meanwhile(self) -> None:
        there = tuple(sorted(self.rng.sample(list(self.cast.values()), 2)))
        (opened,) = record(
            self.chat, MeanwhileOpened(characters=there, direction=f"Of {self.rng.choice(NAMES)}", turns=2)
        )
        for name in [name for name, id_ in self.cast.items() if id_ in there]:
            self.told(reply(self.chat, name, self.text(), group=opened, meanwhile=opened))

    def rewrite(self) -> None:
        said = list(self.chat.turns.live().filter(kind=Turn.Kind.ASSISTANT))
        if said:
            old = self.rng.choice(said)
            self.told(rewrite(self.chat, old.id, old.speaker_name, self.text()))

    def come_or_go(self) -> None:
        who = self.rng.choice(list(self.cast.values()))
        if self.chat.scene is None:
            scenes.open_scene(self.chat, title="", present=[who], by=self.owner)
        else:
            (scenes.leave if who in self.chat.present else scenes.enter)(self.chat, character=who, by=self.owner)

    def close(self) -> None:
        if self.chat.scene:
            scenes.close_scene(self.chat, by=self.owner)
            scenes.open_scene(self.chat, title="", present=list(self.cast.values()), by=self.owner)

    def by_hand(self) -> None:
        story_events.plan(self.chat, title=f"Sing together {len(self.tokens)}", by=self.owner)
        for planned in StoryEvent.objects.filter(chat=self.chat, status="planned").visible().order_by("id")[:1]:
            story_events.start(self.chat, story_event=planned.id, by=self.owner)

    def text(self) -> str:
        """Names somebody, kindly, and names what is afoot."""
        sung = self.rng.choice(["we sing together", ""])
        return f"Dear {self.rng.choice(NAMES)}, zq{len(self.tokens)}x, {sung}."

    def told(self, turn: int) -> None:
        self.tokens[TOKEN.search(Turn.objects.get(id=turn).text)[0]] = turn

    def promote_all(self) -> None:
        drafted = Decision.objects.filter(chat=self.chat, choice=decisions.CAUTION_DRAFTED)
        for caution in set(drafted.values_list("id", flat=True)) - decisions.stale_of(drafted):
            cautions.promote(self.chat, caution=caution, by=self.owner)


def prompts_of(chat: Chat, speaker: int, rewrites: int | None) -> list[str]:
    before = Turn.objects.filter(id=rewrites).first()
    claim = Claim(
        generation="",
        chat=chat.id,
        group=0,
        answers_up_to=0,
        speaker=card_of(chat.id, speaker),
        rewrites=rewrites,
        meanwhile=before.meanwhile_id if before else None,
    )
    made = material(claim, tokens=8000)
    costs, budget = [1] * len(made.lines), Budget(prompt=8000, reply=100)
    messages = compose_chat(made.scene, made.lines, costs=costs, overhead=0, budget=budget).messages
    script = compose_script(made.scene, made.lines, costs=costs[-4:], overhead=0, budget=budget).script
    return [json.dumps([message.content for message in messages]), script]


def check(play: Play, seed: int) -> int:
    """How many quotations of witnessed turns there were beside the turns themselves: the law says something."""
    turns = Turn.objects.in_bulk(play.tokens.values())
    places = [(None, None), *((turn.id, turn.place) for turn in turns.values() if turn.superseded_by is None)]
    quoted = 0
    for speaker in play.cast.values():
        for rewrites, place in places:
            for prompt in prompts_of(play.chat, speaker, rewrites):
                found = TOKEN.findall(prompt)
                quoted += len(found) - len(set(found))
                for token in found:
                    turn = turns[play.tokens[token]]
                    assert speaker in turn.witnesses, (seed, speaker, token, prompt)
                    assert place is None or turn.place < place, (seed, speaker, token, prompt)
    for turn in turns.values():
        check_question(play, turn, seed)
    return quoted


def check_question(play: Play, reply: Turn, seed: int) -> None:
    """Whether somebody speaks up after a reply is asked with no more than each of them saw."""
    claim = Claim(
        generation="", chat=play.chat_id, group=0, answers_up_to=0, speaker=NOBODY, follows=reply.id, rewrites=reply.id
    )
    question = question_of(claim)
    asked = prompt_for(question).messages[-1].content
    for token in TOKEN.findall(asked) if question.witnesses else ():
        turn = Turn.objects.get(id=play.tokens[token])
        assert {card.id for card in question.witnesses} <= set(turn.witnesses), (seed, token, asked)
        assert turn.place <= reply.place, (seed, token, asked)


@pytest.mark.parametrize("by_words", [True, False])
def test_no_prompt_holds_anything_of_a_turn_that_its_speaker_did_not_witness(by_words, settings):
    with ScriptedModelServer(default=parrot) as server:
        settings.READER = "words" if by_words else ""
        settings.READER_URL, settings.READER_MODEL = server.url, "parrot"
        quoted = 0
        for seed in range(max(3, site.LAW_EXAMPLES // 4)):
            play = Play(seed)
            head = 0
            for _ in range(STEPS):
                play.act()
                positions = _positions_after(play.chat, head)
                if positions:
                    read(play.chat, *positions)
                    head = positions[-1]
                play.promote_all()
            quoted += check(play, seed)
    assert quoted > 0


def _positions_after(chat: Chat, head: int) -> list[int]:

    return [event.position for event in events_of(chat.stream, after=head)]
