"""Where the rest of the house gets a model: `get_model()` speaks, `get_reader()` answers in JSON.

The SDK is imported with the first model: it takes a second, and most commands and workers never ask one.
"""

from django.conf import settings

from chat.llm.errors import NoModelError, NoReaderError
from chat.llm.protocol import (
    BUILTIN,
    Delta,
    Finish,
    LanguageModel,
    Message,
    Probe,
    Prompt,
    StreamItem,
    Style,
    Thinking,
    estimate_tokens,
)

__all__ = [
    "BUILTIN",
    "Delta",
    "Finish",
    "LanguageModel",
    "Message",
    "Probe",
    "Prompt",
    "StreamItem",
    "Style",
    "Thinking",
    "estimate_tokens",
    "get_model",
    "get_reader",
]


def get_model() -> LanguageModel:
    """The model that plays, from the settings; raises NoModelError when there is none."""
    name, url = settings.MODEL.strip(), settings.MODEL_URL.strip()
    if not url and name in {"", BUILTIN}:
        name, url = BUILTIN, _builtin_url()
    if not _connected(name, url):
        raise NoModelError
    if name == BUILTIN:
        from chat.llm.builtin import BuiltinModel  # noqa: PLC0415  (see above)

        return BuiltinModel(url=url)
    return _compatible(url, name, settings.MODEL_KEY)


def get_reader() -> LanguageModel:
    """The model that reads, from the settings; raises NoReaderError when words must do.

    That is when none is connected, when `READER` is "words", and when the only model is the built-in one,
    which is too small to answer in JSON.
    """
    name, url = settings.READER_MODEL.strip(), settings.READER_URL.strip()
    if settings.READER == "words" or name == BUILTIN or not _connected(name, url):
        raise NoReaderError
    return _compatible(url, name, settings.READER_KEY)


def _builtin_url() -> str:
    """Where `up` has the built-in model listen; "" where there is no `up`."""
    try:
        return str(settings.BUILTIN_MODEL_PATH.read_text())
    except OSError:
        return ""


def _connected(name: str, url: str) -> bool:
    return bool(name and url) and "none" not in {name, url}


def _compatible(url: str, name: str, key: str) -> LanguageModel:
    from chat.llm.openai_compatible import OpenAICompatibleModel  # noqa: PLC0415  (see above)

    return OpenAICompatibleModel(
        url=url,
        name=name,
        key=key,
        prompt_tokens=settings.PROMPT_TOKENS,
        reply_tokens=settings.REPLY_TOKENS,
    )
