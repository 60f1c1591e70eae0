"""The URL of the event streams."""

from django.urls import path

from chat.streaming.views import events

urlpatterns = [path("chats/<int:chat_id>/events/", events, name="events")]
