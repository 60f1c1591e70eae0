"""Tests of the whole site; `./run test` runs them all."""
