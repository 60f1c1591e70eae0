"""The chat application: the log, the story, the turns and the pages they are played on."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Connects the append-only triggers to migrate and registers the system checks."""

    name = "chat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what a reader would look for here."""
        from django.core.checks import Tags, register
        from django.db.models import signals

        from chat.log import triggers

        signals.post_migrate.connect(triggers.install_after_migrate, sender=self)
        register(triggers.check_triggers, Tags.database)
