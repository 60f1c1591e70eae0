"""The story: what events say, the tables folded from them, the one door that writes, and who may see a chat."""
