"""The law of reverts, by itself: 5,000 random lives of a story event, in which turns are rewritten at any time."""

import random
from dataclasses import replace

from chat.story import lifecycle
from chat.story.rewriting import Step, reverts, status_after

HISTORIES = 5_000
CHANGES = ("event_started", "event_completed", "event_cancelled")


class Life:
    """One story event, and turns 1 to 4 that move it; turn None is the player's hand."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.steps: list[Step] = []
        self.status, self.status_position = "planned", 0
        self.position = 0
        self.reverted: set[int] = set()

    def move(self) -> None:
        self.position += 1
        change = self.rng.choice(CHANGES)
        after = lifecycle.after(self.status, change)
        turn = self.rng.choice([None, 1, 2, 3, 4])
        step = Step(
            position=self.position, story_event=0, change=change, status=after or self.status, turn=turn,
            stands=after is not None, void=after is None,
        )  # fmt: skip
        self.steps.append(step)
        if after is not None:
            self.status, self.status_position = after, self.position

    def rewrite(self) -> None:
        turn = self.rng.randint(1, 4)
        expected = status_after(self.steps, fallen={turn}, status=self.status, status_position=self.status_position)
        taken_back = reverts(self.steps, fallen={turn}, status_position=self.status_position)
        for reverted in taken_back:
            self._fold(reverted.reverts, reverted.prior_status)
        positions = [reverted.reverts for reverted in taken_back]
        owners = {step.position: step.turn for step in self.steps}
        assert positions == sorted(positions)
        assert {owners[position] for position in positions} <= {turn}, "what another did on its own was undone"
        assert not self.reverted & set(positions), "something was undone twice"
        self.reverted |= set(positions)
        assert all(step.reverted for step in self.steps if step.turn == turn), "something was left"
        assert self.status == expected

    def _fold(self, position: int, prior: str) -> None:
        self.position += 1
        self.steps = [
            replace(step, stands=False, reverted=True) if step.position == position else step for step in self.steps
        ]
        if self.status_position == position:
            standing = [step for step in self.steps if step.stands]
            self.status, self.status_position = prior, standing[-1].position if standing else self.position

    def check(self) -> None:
        standing = [step for step in self.steps if step.stands]
        if standing:
            assert (self.status, self.status_position) == (standing[-1].status, standing[-1].position)
        elif not self.steps:
            assert self.status == "planned"


def test_no_history_of_transitions_and_rewritings_undoes_one_that_stands():
    for seed in range(HISTORIES):
        life = Life(seed)
        for _ in range(life.rng.randint(1, 12)):
            life.rng.choice([life.move, life.move, life.rewrite])()
            life.check()
