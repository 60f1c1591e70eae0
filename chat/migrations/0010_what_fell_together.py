"""What fell together comes back together: every line of writings gets what its log says."""

from django.db import migrations


def remember(apps, schema_editor):
    Turn, Chat = apps.get_model("chat", "Turn"), apps.get_model("chat", "Chat")
    fallen = Turn.objects.filter(superseded_by__isnull=False).values("chat")
    for chat, seeded_at in Chat.objects.filter(id__in=fallen).values_list("id", "seeded_at"):
        took = took_along(apps.get_model("chat", "Event"), Turn, chat, seeded_at)
        Turn.objects.bulk_update([Turn(id=line, took_along=those) for line, those in took.items()], ["took_along"], 200)


def took_along(Event, Turn, chat, seeded_at):
    """By line what fell with it, as the fold finds it event by event."""
    writings = Turn.objects.filter(chat=chat, regenerated_from__isnull=False, generation="")
    edits = dict(writings.values_list("id", "regenerated_from"))
    events = Event.objects.filter(
        stream__name=f"chat-{chat}", kind__in=["turn_superseded", "turn_deleted", "turn_restored"]
    )
    took, gone = {}, set()
    for position, kind, payload in events.order_by("position").values_list("position", "kind", "payload"):
        turn, line = payload["turn"], payload.get("went_with")
        if kind != "turn_restored":
            if line is not None and turn not in gone:
                took[line] = [*took.get(line, []), turn]
            gone.add(turn)
        elif turn in gone:
            gone.remove(turn)
            # What came with a story was no edit, from when the story is known to have come.
            came = seeded_at if seeded_at is not None and seeded_at < position else 0
            while turn in edits and turn > came:
                turn = edits[turn]
            took[turn] = []
    return {line: those for line, those in took.items() if those}


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0009_took_along"),
    ]

    operations = [
        migrations.RunPython(remember, migrations.RunPython.noop),
    ]
