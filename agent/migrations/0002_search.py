"""The full-text index of `turn_search`: of an expression on PostgreSQL, a table of its own (FTS5) on SQLite."""

from django.db import migrations

FORWARDS = {
    "postgresql": "CREATE INDEX agent_turnwords ON agent_searchedturn USING gin (to_tsvector('simple', text))",
    "sqlite": "CREATE VIRTUAL TABLE agent_turnwords USING fts5(text, tokenize = 'unicode61 remove_diacritics 2')",
}
BACKWARDS = {"postgresql": "DROP INDEX agent_turnwords", "sqlite": "DROP TABLE agent_turnwords"}


def forwards(apps, schema_editor):
    schema_editor.execute(FORWARDS[schema_editor.connection.vendor])


def backwards(apps, schema_editor):
    schema_editor.execute(BACKWARDS[schema_editor.connection.vendor])


class Migration(migrations.Migration):
    dependencies = [("agent", "0001_first")]
    operations = [migrations.RunPython(forwards, backwards)]
