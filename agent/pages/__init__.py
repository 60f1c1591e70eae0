"""Fragments for players, fetched by the chat's pages: what is still being read, the search, a chat's activity."""
