"""The groups that come with the desk. Permissions are made here too: Django's own come only after all migrations."""

from django.db import migrations

READING = ["view_desk"]
OPERATING = [
    *READING,
    "view_audit",
    "dismiss_event",
    "retry_lane",
    "pause_subscriber",
    "resume_subscriber",
    "promote_caution",
    "decline_caution",
    "start_drill",
    "create_token",
]
GROUPS = {
    "Viewer": READING,
    "Operator": OPERATING,
    "Senior operator": [*OPERATING, "reveal_payload", "rebuild_projection", "regenerate_turn", "redeliver_event"],
    "Auditor": [*READING, "view_audit", "reveal_payload"],
}


def make_groups(apps, schema_editor):
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    Group = apps.get_model("auth", "Group")
    using = schema_editor.connection.alias
    desk, _ = ContentType.objects.using(using).get_or_create(app_label="agent", model="desk")
    names = dict(apps.get_model("agent", "Desk")._meta.permissions)
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.using(using).get_or_create(name=name)
        for codename in codenames:
            permission, _ = Permission.objects.using(using).get_or_create(
                content_type=desk, codename=codename, defaults={"name": names[codename]}
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("agent", "0003_desk"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
