"""The Celery application; it carries hints, the database is the queue."""

import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

#: Seconds between two tries to reach a broker that is away; Celery's own wait grows to 30.
LONGEST_WAIT = 4


class PatientConnection(Connection):
    """A connection that comes back soon after its broker does."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        """As the base class, with a shorter longest wait."""
        return super().ensure_connection(*args, **{"interval_max": LONGEST_WAIT, **kwargs})  # type: ignore[no-untyped-call]


class PatientAMQP(AMQP):  # type: ignore[misc]
    """Celery's way to its broker."""

    Connection = PatientConnection


app = Celery("palimpsest", amqp=PatientAMQP)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["agent"])
# The sweeper of every worker.
app.autodiscover_tasks(["agent"], related_name="wake")
