"""Letting go of what need not be kept: the prompts of older replies, and portraits that nothing refers to."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from chat.story.models import CastMember, Character
from chat.turns.models import Generation

#: Rows changed in one statement.
BATCH = 500
#: A picture is stored before the character that refers to it.
JUST_UPLOADED = timedelta(days=1)


def prune_prompts(*, now: datetime) -> int:
    """Forget what was sent for replies that are too old, or not among the newest of their chat; of how many."""
    rank = Window(RowNumber(), partition_by=F("chat_id"), order_by=F("started_at").desc())
    too_old = Q(started_at__lt=now - timedelta(days=settings.PROMPT_DAYS))
    settled = Generation.objects.exclude(state=Generation.State.RUNNING).filter(prompt__isnull=False)
    gone = settled.annotate(rank=rank).filter(too_old | Q(rank__gt=settings.PROMPTS_PER_CHAT))
    ids = list(gone.values_list("id", flat=True))
    for start in range(0, len(ids), BATCH):
        Generation.objects.filter(id__in=ids[start : start + BATCH]).update(prompt=None, thinking="")
    return len(ids)


def prune_portraits(*, now: datetime) -> int:
    """Delete the pictures that no character and no cast has; how many."""
    stale = [path for path in _stored() if path.stat().st_mtime < (now - JUST_UPLOADED).timestamp()]
    # Asked after the folder was read: what is stored meanwhile is not in the list.
    used = {*Character.objects.values_list("portrait", flat=True), *_in_casts()}
    unused = [path for path in stale if path.name not in used]
    for path in unused:
        path.unlink(missing_ok=True)
    return len(unused)


def _stored() -> list[Path]:
    folder = settings.MEDIA_ROOT / "portraits"
    return list(folder.iterdir()) if folder.is_dir() else []


def _in_casts() -> set[str]:
    return set(CastMember.objects.values_list("card__portrait", flat=True))
