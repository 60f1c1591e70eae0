"""How often: counted for all processes, and without a broker by each of them."""

import time
import uuid

import pytest

from chat.turns import limits


def another_process() -> None:
    """Forget what a process that has just started does not know."""
    for one in (limits._redis, limits._limiter, limits._memory):
        one.cache_clear()


@pytest.fixture(autouse=True)
def _answering(monkeypatch):
    monkeypatch.setattr(limits, "_away_until", 0.0)


def test_what_is_counted_in_one_process_counts_in_the_next(valkey):
    who = uuid.uuid4().hex
    assert limits.within(2, "turns", who)
    another_process()
    assert limits.within(2, "turns", who)
    another_process()

    assert not limits.within(2, "turns", who)


def test_without_a_broker_each_process_counts_alone_and_nobody_waits(settings, caplog):
    settings.REDIS_URL = "redis://192.0.2.1:6379/0"
    who, began = uuid.uuid4().hex, time.monotonic()

    assert [limits.within(2, "turns", who) for _ in range(3)] == [True, True, False]

    assert time.monotonic() - began < 3 * limits.REDIS_SECONDS
    assert caplog.text.count("counts in memory") == 1
