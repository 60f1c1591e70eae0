"""The addresses of the agent's pages and of the operators' API, under `agent/`."""

from django.urls import path

from agent.api.site import api
from agent.pages import activity, reading, search

urlpatterns = [
    path("search/", search.search, name="search"),
    path("search/hits/", search.search_hits, name="search_hits"),
    path("chats/<int:chat_id>/reading/", reading.reading, name="reading"),
    path("chats/<int:chat_id>/reading/line/", reading.reading_line, name="reading_line"),
    path("chats/<int:chat_id>/activity/", activity.activity, name="activity"),
    path("chats/<int:chat_id>/activity/chart/", activity.activity_chart, name="activity_chart"),
    path("", api.urls),
]
