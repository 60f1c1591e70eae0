"""Turns: recording what a player says, choosing who answers, prompting, generating and settling the reply."""
