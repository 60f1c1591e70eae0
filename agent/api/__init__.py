"""The operators' HTTP API under `/agent/`, with its documentation at `/agent/docs`."""
