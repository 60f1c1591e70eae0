"""The Projections, one a module."""
