"""Which model the settings give, what a prompt is, and the operators' Test button."""

import json

import pytest

from chat.llm.builtin import BuiltinModel
from chat.llm.client import Message, Prompt, get_model, get_reader
from chat.llm.endpoint import without_password
from chat.llm.errors import NoModelError, NoReaderError
from chat.llm.openai_compatible import OpenAICompatibleModel, Patience
from tests.model_server import nothing, refused


@pytest.fixture
def connected(settings):
    settings.MODEL_URL, settings.MODEL, settings.MODEL_KEY = "http://127.0.0.1:9/v1", "mara-7b", "sk-1"
    settings.READER_URL, settings.READER_MODEL, settings.READER_KEY = "http://127.0.0.1:8/v1", "reader", "sk-2"
    settings.READER, settings.PROMPT_TOKENS, settings.REPLY_TOKENS = "", 4000, 300
    return settings


def test_the_settings_name_the_model_and_the_reader(connected):
    model, reader = get_model(), get_reader()

    assert (model.url, model.name, model.key) == ("http://127.0.0.1:9/v1", "mara-7b", "sk-1")
    assert (model.style, model.prompt_tokens, model.reply_tokens) == ("chat", 4000, 300)
    assert (reader.url, reader.name, reader.key) == ("http://127.0.0.1:8/v1", "reader", "sk-2")


@pytest.mark.parametrize(
    ("url", "name"), [("", ""), ("none", "mara-7b"), ("http://127.0.0.1:9/v1", "none"), ("x", " ")]
)
def test_without_a_model_the_error_says_what_to_do(connected, url, name):
    connected.MODEL_URL = connected.READER_URL = url
    connected.MODEL = connected.READER_MODEL = name

    with pytest.raises(NoModelError, match="Set PALIMPSEST_MODEL_URL and"):
        get_model()
    with pytest.raises(NoReaderError):
        get_reader()


def test_a_command_beside_the_site_finds_the_builtin_model_that_it_brought(connected, tmp_path):
    connected.MODEL_URL = connected.MODEL = ""
    connected.BUILTIN_MODEL_PATH = tmp_path / "builtin-model"
    connected.BUILTIN_MODEL_PATH.write_text("http://127.0.0.1:7/v1")

    model = get_model()

    assert isinstance(model, BuiltinModel)
    assert model.url == "http://127.0.0.1:7/v1"


def test_the_builtin_model_plays_and_does_not_read(connected):
    connected.MODEL = connected.READER_MODEL = "builtin"

    model = get_model()

    assert isinstance(model, BuiltinModel)
    assert (model.style, model.prompt_tokens, model.url) == ("script", 300, "http://127.0.0.1:9/v1")
    with pytest.raises(NoReaderError):
        get_reader()


def test_words_read_when_the_settings_say_so(connected):
    connected.READER = "words"

    with pytest.raises(NoReaderError):
        get_reader()


def test_a_prompt_is_either_messages_or_a_script():
    said = Message(role="user", content="Hello.")

    for wrong in ({}, {"messages": (said,), "script": "ANNA:"}):
        with pytest.raises(ValueError, match="either"):
            Prompt(**wrong, max_tokens=1)
    kept = json.loads(json.dumps(Prompt(messages=(said,), stop=("\n",), max_tokens=9).as_json()))
    assert kept == {
        "messages": [{"role": "user", "content": "Hello."}],
        "stop": ["\n"],
        "max_tokens": 9,
        "temperature": 0.9,
    }
    assert Prompt(script="ANNA:", max_tokens=9).as_json()["script"] == "ANNA:"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:swordfish@host:8080/v1", "http://host:8080/v1"),
        ("http://swordfish@host/v1", "http://host/v1"),
        ("http://me:sword/fish@host/v1", "http://host/v1"),
        ("me:swordfish@host/v1", "host/v1"),
        ("https://me:swordfish@host/accounts/7/@cf/v1", "https://host/accounts/7/@cf/v1"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_password(url, shown):
    assert without_password(url) == shown


async def test_a_probe_tells_how_soon_the_model_answers_and_what_else_there_is(server, model):
    probe = await model.probe()

    assert (probe.ok, probe.models) == (True, ("scripted",))
    assert probe.latency_ms > 0
    assert probe.sentence.startswith(f"scripted at 127.0.0.1:{server.port} began to answer after")


async def test_a_probe_of_a_misspelt_model_offers_the_others(server):
    server.models = ("mara-7b", "ilse-3b")
    server.script(refused(404, "model 'marra' not found"))

    probe = await OpenAICompatibleModel(url=server.url, name="marra").probe()

    assert not probe.ok
    assert "model 'marra' not found" in probe.sentence
    assert "mara-7b, ilse-3b" in probe.sentence


async def test_a_probe_of_a_server_without_a_list_asks_the_model_all_the_same(server, model):
    server.models, model.patience = None, Patience(first_token=0.5)
    server.script(refused(401), nothing())

    wrong_key, silent = await model.probe(), await model.probe()
    model.patience = Patience()
    good = await model.probe()

    assert (wrong_key.ok, silent.ok, good.ok) == (False, False, True)
    assert "look at the key" in wrong_key.sentence
    assert "took too long" in silent.sentence
    assert good.models == ()
