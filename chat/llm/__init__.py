"""The models that speak and read: one client for every OpenAI-compatible server, and the built-in model."""
