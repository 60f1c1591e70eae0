"""Every URL of the site."""

from django.contrib import admin
from django.urls import include, path

from project.health import healthz, readyz

urlpatterns = [
    path("", include("chat.pages.urls")),
    path("", include("chat.streaming.urls")),
    path("agent/", include("agent.urls")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
