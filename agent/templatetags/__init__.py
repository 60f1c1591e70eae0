"""Template tags of the agent."""
