"""The site itself, an application so that its management commands are found."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Holds `up` and `serve`."""

    name = "project"
