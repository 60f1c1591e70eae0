"""What is started, and what each process is told."""

import os
import socket

import pytest

from project.up.options import Options
from project.up.recipes import Household, plan

pytestmark = pytest.mark.once
CONNECTED = Options(model_url="http://127.0.0.1:11434/v1", model="gemma", model_key="sk-secret")


def planned(options: Options) -> Household:
    return plan(options, welcome=lambda: None)


def test_the_key_is_in_no_command_line_and_in_no_text_of_a_recipe():
    household = planned(CONNECTED)

    for recipe in (household.web, *household.others):
        assert recipe.environment["PALIMPSEST_MODEL_KEY"] == "sk-secret"
        assert "sk-secret" not in repr(recipe)


def test_the_builtin_model_is_brought_only_when_nothing_else_is_named():
    assert [recipe.name for recipe in planned(Options()).others] == ["model", "projections", "reactions"]
    assert [recipe.name for recipe in planned(CONNECTED).others] == ["projections", "reactions"]
    assert [recipe.name for recipe in planned(Options(model="none")).others] == ["projections", "reactions"]


def test_all_are_told_where_the_builtin_model_is():
    household = planned(Options())
    port = household.others[0].command[-1]

    assert household.web.environment["PALIMPSEST_MODEL_URL"] == f"http://127.0.0.1:{port}/v1"
    assert household.web.environment["PALIMPSEST_MODEL"] == "builtin"
    assert household.builtin_model == f"http://127.0.0.1:{port}/v1"
    assert planned(CONNECTED).builtin_model == ""


def test_a_site_open_to_the_network_answers_to_the_names_of_this_machine(monkeypatch):
    monkeypatch.delenv("PALIMPSEST_HOSTS", raising=False)

    household = planned(Options(host="0.0.0.0"))  # noqa: S104

    hosts = household.web.environment["PALIMPSEST_HOSTS"].split(",")
    assert {"localhost", "127.0.0.1", socket.gethostname()} <= set(hosts)
    assert "*" not in hosts
    assert household.address == ("127.0.0.1", 8000)


def test_names_that_were_given_are_left_alone(monkeypatch):
    monkeypatch.setenv("PALIMPSEST_HOSTS", "stories.example.org")

    household = planned(Options(host="0.0.0.0"))  # noqa: S104

    assert household.web.environment["PALIMPSEST_HOSTS"] == os.environ["PALIMPSEST_HOSTS"]


def test_a_broker_that_was_given_is_not_started_again(settings):
    settings.REDIS_URL = "redis://broker.example.org:6379/0"

    assert planned(Options()).valkey is None
