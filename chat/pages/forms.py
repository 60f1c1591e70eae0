"""What people type into the pages, and what JSON clients send to the same doors."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict

from chat.errors import ChatError
from chat.log.text import whole
from chat.pages.answers import fields
from chat.story.models import Character
from chat.turns.characters import NAME_CHARACTERS, TEXT_CHARACTERS, Details
from chat.turns.chats import TITLE_CHARACTERS
from chat.turns.portraits import MAX_BYTES

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

type Errors = dict[str, list[str]]


class InvalidFieldsError(ChatError):
    """Something in what was sent cannot be used."""

    status = 422

    def __init__(self, detail: str = "", *, errors: Errors | None = None) -> None:
        super().__init__(detail)
        #: The sentences of each field.
        self.errors = errors or {}


def _long(
    label: str, *, rows: int, hint: str = "", placeholder: str = "", most: int = TEXT_CHARACTERS
) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "placeholder": placeholder})
    return forms.CharField(label=label, required=False, max_length=most, widget=widget, help_text=hint)


class LoginForm(AuthenticationForm):
    """Name and password."""

    error_messages = {  # noqa: RUF012  (Django declares it as an instance's)
        "invalid_login": "This name and this password do not go together. Mind upper and lower case.",
        "inactive": "This account is closed.",
    }


class _Words(forms.TextInput):
    """A line of words with commas between; of a repeated field, all of them."""

    def value_from_datadict(self, data: Any, _files: Any, name: str) -> str:
        """As one line."""
        return ",".join(data.getlist(name))


class CharacterForm(forms.Form):
    """A character's sheet."""

    use_required_attribute = False

    name = forms.CharField(
        max_length=NAME_CHARACTERS,
        error_messages={"required": "Give them a name."},
        help_text="As the others call them. One or two words are best.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Mara"}),
    )
    description = _long(
        "Description",
        rows=3,
        hint="Who they are and what one sees. Everybody in a scene with them knows this.",
        placeholder="The keeper of the lighthouse, fifty, wind-burnt, her left hand stiff from an old break.",
    )
    personality = _long(
        "Personality",
        rows=3,
        hint="How they think, what they want, what they keep to themselves. Only they know this.",
        placeholder="Patient with weather, impatient with people. Never lies, and leaves out a great deal.",
    )
    scenario_note = _long(
        "Scenario note",
        rows=2,
        hint="What they know, owe or intend when the story begins. Only they know this.",
        placeholder="She has had the letter for two days and told nobody.",
    )
    greeting = _long(
        "Greeting",
        rows=3,
        hint="Their first lines in a new chat. *Asterisks* set actions apart; leave it empty to begin with you.",
        placeholder="*She turns the lamp down a little.* “You are late. Sit, you are dripping on the log.”",
    )
    example_dialogue = _long(
        "Example dialogue",
        rows=4,
        hint="A few lines in their voice. Models pick up a tone from these better than from any description.",
        placeholder="“Weather is not bad luck. Weather is Tuesday.”",
    )
    talkativeness = forms.FloatField(
        min_value=0,
        max_value=1,
        initial=0.5,
        required=False,
        help_text="How readily they speak up when nobody is asked by name.",
        widget=forms.NumberInput(attrs={"type": "range", "min": "0", "max": "1", "step": "0.05"}),
    )
    tags = forms.CharField(
        required=False,
        max_length=500,
        help_text="Words to find them by, with commas between.",
        widget=_Words(attrs={"autocomplete": "off", "placeholder": "lighthouse, north"}),
    )
    portrait = forms.FileField(
        required=False,
        help_text="A PNG, JPEG, WebP or GIF of at most 5 MB; it is cut to a square. Without one: their initial.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )
    remove_portrait = forms.BooleanField(required=False, label="Take the portrait away")

    def clean_name(self) -> str:
        """A name stands before a colon in every prompt, so it cannot have one."""
        name = " ".join(str(self.cleaned_data["name"]).split())
        if ":" in name:
            raise forms.ValidationError("A name cannot have a colon.")
        return name

    def clean_talkativeness(self) -> float:
        """In the middle when left out."""
        given: float | None = self.cleaned_data["talkativeness"]
        return 0.5 if given is None else given

    def clean_portrait(self) -> "UploadedFile[bytes] | None":
        """Refuse by size before reading; what it is, `store_portrait` looks at."""
        portrait: UploadedFile[bytes] | None = self.cleaned_data["portrait"]
        if portrait and (portrait.size or 0) > MAX_BYTES:
            raise forms.ValidationError("This picture is larger than 5 MB. Choose a smaller one.")
        return portrait

    def details(self) -> Details:
        """The sheet as the turns take it."""
        kept: dict[str, Any] = {
            name: value for name, value in self.cleaned_data.items() if name not in {"portrait", "remove_portrait"}
        }
        return Details(**kept | {"tags": tuple(kept["tags"].split(","))})


class HeadForm(forms.Form):
    """Title, premise and persona."""

    use_required_attribute = False

    title = forms.CharField(
        max_length=TITLE_CHARACTERS,
        error_messages={"required": "Give it a title."},
        help_text="What you will find it by in your list.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Night watch"}),
    )
    premise = _long(
        "Premise",
        rows=4,
        hint="Where the story starts: the place, the time, what hangs in the air. Every character knows this.",
        placeholder="A lighthouse in the North Sea, November 1911. The relief boat is two days late.",
    )
    persona = forms.CharField(
        label="Who you are",
        required=False,
        max_length=NAME_CHARACTERS,
        help_text="The name the characters know you by. Empty: “You”.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "You"}),
    )
    persona_description = _long(
        "What they see in you",
        rows=2,
        hint="What the characters know of you from the start.",
        placeholder="The new assistant, three weeks on the rock, from the mainland.",
    )


class SettingsForm(HeadForm):
    """What a chat's page of settings changes."""

    interjections = forms.ChoiceField(
        label="Speaking up unasked",
        required=False,
        choices=[
            ("off", "Never: only the one who is asked answers"),
            ("rarely", "Rarely: when silence would be out of character"),
            ("normal", "Now and then"),
            ("eager", "Eagerly: they like to join in"),
        ],
        help_text="After a reply, whether one of the others who are present may speak up too.",
    )


class ChatForm(HeadForm):
    """A new chat."""

    scene_title = forms.CharField(
        label="First scene",
        required=False,
        max_length=TITLE_CHARACTERS,
        help_text="Place and hour of the first scene.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "The lamp room, past midnight"}),
    )
    characters = forms.TypedMultipleChoiceField(
        label="Who plays",
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "There is no character %(value)s of yours."},
    )

    def __init__(self, *args: Any, owned: Iterable[Character], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owned = {character.pk: character for character in owned}
        cast = self.fields["characters"]
        assert isinstance(cast, forms.TypedMultipleChoiceField)  # noqa: S101  (as written above)
        cast.choices = [(str(pk), character.name) for pk, character in self._owned.items()]

    def clean_characters(self) -> list[Character]:
        """The chosen characters, in the order they were sent, each once."""
        chosen: list[int] = self.cleaned_data["characters"]
        if not chosen:
            raise forms.ValidationError("Choose at least one character; two or more make a scene.")
        return [self._owned[pk] for pk in dict.fromkeys(chosen)]

    def ticked(self) -> set[str]:
        """The ids that stand ticked: as sent, or as the page proposed."""
        return {str(value) for value in self["characters"].value() or []}


def posted(request: HttpRequest) -> MultiValueDict[str, str]:
    """The fields of a form or of a JSON object; a JSON array is a repeated field.

    Raises as `fields`, and InvalidFieldsError for a value that is neither text nor number, nor an array of these.
    """
    if request.content_type != "application/json":
        return request.POST
    sent = QueryDict(mutable=True)
    for name, value in fields(request).items():
        sent.setlist(name, [_as_text(name, one) for one in (value if isinstance(value, list) else [value])])
    return sent


def text(sent: MultiValueDict[str, str], name: str) -> str:
    """One line of text, "" when absent; without NUL, which no database takes."""
    return (sent.get(name) or "").replace("\x00", "")


def numbers(sent: MultiValueDict[str, str], name: str) -> list[int]:
    """A repeated field of ids or counts; InvalidFieldsError when one can be neither."""
    values = sent.getlist(name)
    found = [one for value in values if (one := whole(value.strip())) is not None]
    if len(found) < len(values):
        raise InvalidFieldsError(f"{name}: this has to be a whole number.")
    return found


def number(sent: MultiValueDict[str, str], name: str) -> int:
    """One id or count; InvalidFieldsError when it is absent or can be neither."""
    found = numbers(sent, name)
    if not found:
        raise InvalidFieldsError(f"{name}: this is missing.")
    return found[-1]


def refuse_invalid(form: forms.Form) -> None:
    """Raise InvalidFieldsError with the sentences of a form that does not hold."""
    if form.is_valid():
        return
    errors: Errors = {
        field: [str(error["message"]) for error in found] for field, found in json.loads(form.errors.as_json()).items()
    }
    sentences = [
        sentence if field == "__all__" else f"{field}: {sentence}"
        for field, found in errors.items()
        for sentence in found
    ]
    raise InvalidFieldsError(" ".join(sentences), errors=errors)


def _as_text(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidFieldsError(f"{name}: this has to be text or a number.")
    return str(value)
