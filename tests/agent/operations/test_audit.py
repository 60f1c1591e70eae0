"""The audit: what is kept, that it cannot be changed unseen, and how it is taken out."""

import csv
import io
import json
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.models import F

from agent.desk_models import PERMISSIONS
from agent.models import AuditEntry, Refusal
from agent.operations import audit, refusals
from agent.operations.audit import Sought
from agent.operations.dismiss import NoSuchEventError
from agent.operations.operator import NotPermittedError, Operator
from agent.operations.pause import Pause, Resume, pause, resume
from agent.operations.tokens import CreateToken, MalformedTokenError, NoSuchTokenError, RevokeToken, revoke_token
from agent.operations.tokens import create_token as make_token
from chat.log import triggers
from chat.log.models import Event
from tests.agent.operations.conftest import allow, operator
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def decisions(noter) -> list[int]:
    """Four decisions of anna's and otto's."""
    anna = operator("pause_subscriber", "resume_subscriber", name="anna", channel="api", client="night shift")
    otto = operator("pause_subscriber", name="otto")
    return [
        pause(Pause(subscriber="noter", reason="=HYPERLINK(1), 100% sure\nof it"), by=anna).decision_id,
        resume(Resume(subscriber="noter"), by=anna).decision_id,
        pause(Pause(subscriber="counter", reason="Otto’s reason", preset="test"), by=otto).decision_id,
        pause(Pause(subscriber="noter", reason="New prompt on trial"), by=otto).decision_id,
    ]


def printed(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_the_export_has_a_line_for_each_decision(decisions):
    lines = [json.loads(line) for line in printed("audit").splitlines()]

    assert [line["position"] for line in lines] == decisions
    assert lines[0]["target"] == {"subscriber": "noter"}
    assert lines[0] | {"seal": "", "recorded_at": "", "correlation": ""} == {
        "position": decisions[0],
        "recorded_at": "",
        "act": "pause_subscriber",
        "channel": "api",
        "principal_id": lines[0]["principal_id"],
        "principal_name": "anna",
        "client": "night shift",
        "target": {"subscriber": "noter"},
        "preset": "",
        "reason": "=HYPERLINK(1), 100% sure\nof it",
        "before": {"paused": False},
        "after": lines[0]["after"],
        "inputs": {},
        "context": "SubscriberPause",
        "choice": "Paused",
        "code_version": "0.1.0",
        "correlation": "",
        "seal_before": "",
        "seal": "",
    }


def test_no_spreadsheet_takes_a_reason_for_a_formula(decisions):
    rows = list(csv.DictReader(io.StringIO(printed("audit", "--format", "csv"))))

    assert [int(row["position"]) for row in rows] == decisions
    assert rows[0]["reason"] == "'=HYPERLINK(1), 100% sure\nof it"
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (Sought(text="TRIAL"), [3]),
        (Sought(text="counter"), [2]),
        (Sought(text="100%"), [0]),
        (Sought(text="1%0"), []),
        (Sought(act="resume_subscriber"), [1]),
        (Sought(channel="command"), [3, 2]),
        (Sought(subscriber="noter", channel="api"), [1, 0]),
        (Sought(), [3, 2, 1, 0]),
    ],
)
def test_decisions_are_searched_in_reasons_and_targets(decisions, sought, found):
    listed = audit.list_decisions(sought, by=operator("view_audit"))

    assert [one.decision_id for one in listed] == [decisions[number] for number in found]


def test_dates_are_understood_or_said_to_be_none(decisions):
    assert printed("audit", "--since", "2999-01-01") == ""
    assert len(printed("audit", "--since", "2020-01-01", "--until", "2999-01-01T00:00").splitlines()) == 4
    with pytest.raises(CommandError) as refused:
        printed("audit", "--since", "yesterday")
    assert refused.value.returncode == 2


def test_reading_the_audit_takes_a_permission(decisions):
    with pytest.raises(NotPermittedError):
        audit.list_decisions(Sought(), by=operator("view_desk", name="eve"))
    with pytest.raises(NotPermittedError):
        audit.export(Sought(), format="csv", by=operator("view_desk"))
    assert Refusal.objects.filter(principal_name="eve", act="view_audit").count() == 1


def test_an_audit_that_nobody_touched_holds(decisions):
    number, seal = audit.newest_seal()

    assert (number, len(seal)) == (4, 64)
    assert "The audit holds: 4 decisions" in printed("verify_audit", "--expect", seal)


def tamper(statement: str, *values: object) -> None:
    with triggers.lifted(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def broken() -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit", stdout=out)
    assert refused.value.returncode == 1
    return out.getvalue()


def test_a_reason_that_was_rewritten_is_found(decisions):
    event = Event.objects.get(position=decisions[1])
    tamper(
        "UPDATE chat_event SET payload = %s WHERE position = %s",
        json.dumps(event.payload | {"reasoning": "It was otto"}),
        event.position,
    )

    assert f"decision {event.position} (version 2): it is not what was sealed" in broken()


def test_a_decision_of_another_hour_or_hand_is_found(decisions):
    tamper("UPDATE chat_event SET actor = 'operator:999' WHERE position = %s", decisions[0])

    assert f"decision {decisions[0]} (version 1): it is not what was sealed" in broken()


def test_a_decision_that_was_cut_out_is_found(decisions):
    tamper("DELETE FROM agent_auditentry WHERE decision_id = %s", decisions[1])
    tamper("DELETE FROM chat_event WHERE position = %s", decisions[1])
    tamper("UPDATE chat_event SET version = version - 1 WHERE position = %s", decisions[2])

    assert "it does not carry the seal of the one before" in broken()


def test_a_tail_that_was_cut_off_is_found_by_who_kept_the_seal(decisions):
    _, seal = audit.newest_seal()
    tamper("DELETE FROM agent_auditentry WHERE decision_id = %s", decisions[3])
    tamper("DELETE FROM chat_event WHERE position = %s", decisions[3])

    assert audit.verify() == []
    assert [one.why for one in audit.verify(expected=seal)] == [f"no Decision has the seal {seal}"]


def test_an_audit_row_that_says_something_else_is_found(decisions):
    AuditEntry.objects.filter(decision_id=decisions[0]).update(reason="Nothing happened")

    assert "its audit entry is not what it says" in broken()


def test_without_the_key_no_seal_can_be_made(decisions, settings):
    settings.AUDIT_KEY = "another key than the one that the seals were made with"

    assert len(audit.verify()) == 4


def test_refusals_are_kept_for_a_while_and_not_without_end(noter):
    eve = operator(name="eve")

    for _ in range(refusals.MOST_A_MINUTE + 3):
        refusals.note(NoSuchEventError(), by=eve, act="dismiss_event", target="noter #1")
    assert Refusal.objects.count() == refusals.MOST_A_MINUTE

    Refusal.objects.update(at=F("at") - refusals.KEPT)
    refusals.note(NoSuchEventError(), by=operator(name="later"), act="dismiss_event", target="noter #1")
    assert [one.principal_name for one in Refusal.objects.all()] == ["later"]


def test_a_token_is_ones_own_and_well_formed(transactional_db):
    anna = operator("create_token", "view_desk")
    made = make_token(CreateToken(name="ci", scopes=("view_desk",)), by=anna)

    with pytest.raises(NoSuchTokenError):
        revoke_token(RevokeToken(token_id=made.row.pk), by=operator("create_token"))
    for wrong in ({"name": " "}, {"scopes": ()}, {"scopes": ("everything",)}, {"days": 0}, {"days": 367}):
        with pytest.raises(MalformedTokenError):
            make_token(CreateToken(**{"name": "ci", "scopes": ("view_desk",), **wrong}), by=anna)
    revoke_token(RevokeToken(token_id=made.row.pk), by=anna)
    with pytest.raises(NoSuchTokenError):
        revoke_token(RevokeToken(token_id=made.row.pk), by=anna)
    assert list(AuditEntry.objects.order_by("decision_id").values_list("target", flat=True)) == [
        "token ci",
        f"token {made.row.pk}",
    ]


def test_a_token_by_the_command_line(transactional_db):
    allow(make_user("anna"), "create_token")

    made = json.loads(
        printed("api_token", "create", "--as-user=anna", "--name=ci", "--scope=view_desk", "--format=json")
    )
    listed = printed("api_token", "list", "--as-user=anna")

    assert made["token"].startswith("pal_")
    assert made["token"] not in listed
    assert "name=ci" in listed
    assert "decision_id" in printed("api_token", "revoke", f"--id={made['id']}", "--as-user=anna", "--format=json")


def test_a_superuser_needs_no_permission_and_a_reason_all_the_same(noter):
    root = make_user("root")
    root.is_superuser = True
    root.save()
    by = Operator(user=root, channel="admin")

    with pytest.raises(Exception, match="Give a reason"):
        pause(Pause(subscriber="noter"), by=by)
    assert pause(Pause(subscriber="noter", reason="x"), by=by).decided_by == "root"


@pytest.mark.django_db(transaction=False)
def test_the_groups_that_come_with_the_desk():
    # Made again: tests that really commit empty all tables, and these rows came with a migration.
    import_module("agent.migrations.0004_groups").make_groups(apps, connection.schema_editor())
    import_module("agent.migrations.0006_desk_in_use").let_senior_operators_restore(apps, connection.schema_editor())
    may = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}

    assert set(may) >= {"Viewer", "Operator", "Senior operator", "Auditor"}
    assert may["Viewer"] == {"view_desk"}
    assert may["Viewer"] < may["Operator"] < may["Senior operator"] == {name for name, _ in PERMISSIONS}
    assert may["Auditor"] == {"view_desk", "view_audit", "reveal_payload"}
    assert "reveal_payload" not in may["Operator"]
