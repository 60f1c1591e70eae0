"""The agent application: subscribers of the log and what is done with them."""

from django.apps import AppConfig


class AgentConfig(AppConfig):
    """Registers the system checks of the subscribers."""

    name = "agent"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what a reader would look for here."""
        from django.core.checks import register

        from agent import registry

        register(registry.check)
