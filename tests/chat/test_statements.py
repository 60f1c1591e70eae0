"""The composed statements say what the ORM would have said."""

import pytest
from django.db.models import QuerySet
from django.forms.models import model_to_dict

from chat.log.models import Event, Stream
from chat.log.streams import create_stream
from chat.rows import insert
from chat.statements import composed, composed_in, composed_update
from tests.factories import make_event

pytestmark = pytest.mark.django_db


@composed
def _later(stream: int, version: int) -> QuerySet[Event]:
    return Event.objects.filter(stream=stream, version__gt=version).order_by("position")


@composed
def _said(stream: int) -> "QuerySet[Event, tuple[int, dict[str, object]]]":
    return Event.objects.filter(stream=stream).order_by("position").values_list("version", "payload")


@composed_in
def _numbered(versions: list[int], stream: int) -> "QuerySet[Event, int]":
    return (
        Event.objects.filter(stream=stream, version__in=versions).order_by("position").values_list("version", flat=True)
    )


@composed_update
def _moved(stream: int, head: int) -> tuple[QuerySet[Stream], dict[str, int]]:
    return Stream.objects.filter(id=stream), {"head": head}


def _five_events() -> Stream:
    stream = create_stream("chat")
    insert([make_event(stream, version) for version in range(1, 6)])
    return stream


@pytest.mark.parametrize("after", [0, 2, 5])
def test_a_composed_query_reads_the_models_that_the_orm_reads(after: int) -> None:
    stream = _five_events()
    read = list(Event.objects.filter(stream=stream, version__gt=after).order_by("position"))
    assert [model_to_dict(event) for event in _later(stream.pk, after)] == [model_to_dict(event) for event in read]
    assert len(read) == 5 - after


def test_a_composed_query_reads_values_as_the_orm_does() -> None:
    stream = _five_events()
    values = Event.objects.filter(stream=stream).order_by("position").values_list("version", "payload")
    assert _said(stream.pk) == list(values)


@pytest.mark.parametrize("versions", [(), (3,), (5, 1), (4, 2, 3), (1, 2, 3, 4, 5, 6)])
def test_a_composed_query_takes_any_number_of_numbers(versions: tuple[int, ...]) -> None:
    stream = _five_events()
    assert _numbered(versions, stream.pk) == sorted(version for version in versions if version <= 5)


def test_a_composed_update_changes_the_rows_and_says_how_many() -> None:
    stream, other = create_stream("chat"), create_stream("chat")
    assert _moved(stream.pk, 9) == 1
    assert _moved(0, 9) == 0
    assert dict(Stream.objects.values_list("id", "head")) == {stream.pk: 9, other.pk: 0}


def test_a_query_is_composed_once() -> None:
    built = []

    @composed
    def heads(stream: int) -> "QuerySet[Stream, int]":
        built.append(stream)
        return Stream.objects.filter(id=stream).values_list("head", flat=True)

    assert heads(create_stream("chat").pk) == heads(create_stream("chat").pk) == [0]
    assert len(built) == 1


def test_what_needs_more_than_columns_of_one_row_is_not_composed() -> None:
    with pytest.raises(TypeError, match="ModelIterable cannot be composed"):
        composed(lambda stream: Event.objects.select_related("stream").filter(stream=stream))(1)
