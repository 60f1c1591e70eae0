"""The operators' tools for agents, over the Model Context Protocol: at `/mcp`, and by `manage.py mcp` over stdio."""
