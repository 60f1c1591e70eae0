"""Tests of the model clients, over real HTTP."""
