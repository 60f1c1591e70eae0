"""The Reactions: each reads one event at a time and says what it changes in the story."""
