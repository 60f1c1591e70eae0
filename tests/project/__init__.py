"""The launcher, the supervisor and the web process."""
