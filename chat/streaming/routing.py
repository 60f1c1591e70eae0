"""The WebSocket URLs."""

from typing import Any

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from chat.streaming.consumers import ChatConsumer
from chat.streaming.origin import SameOrigin

websockets: Any = SameOrigin(
    URLRouter(
        [
            path("ws/chats/<int:chat_id>/", ChatConsumer.as_asgi()),
            re_path(r"", WebsocketDenier.as_asgi()),
        ]
    )
)
