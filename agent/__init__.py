"""The subscribers that follow the log, and the operations on them.

Nothing lives here yet; the package stands so that the stairs (import-linter) already hold.
"""
