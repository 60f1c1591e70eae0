"""The HTTP door: who is let in, what is answered, and how it is refused."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from agent.models import ApiToken, AuditEntry
from agent.operations import desk
from agent.operations.tokens import CreateToken, RevokeToken, create_token, revoke_token
from tests.agent.operations.conftest import allow, operator
from tests.factories import make_user

# What the database has to do with it is in the contract, which is tried on both.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
DISMISS = "/agent/reactions/noter/dismiss-event"
ACTS = ("view_desk", "dismiss_event", "retry_lane", "pause_subscriber", "resume_subscriber", "view_audit")


class Door:
    """A client with a bearer token that speaks JSON."""

    def __init__(self, *scopes: str, days: int = 1) -> None:
        self.operator = operator(*ACTS, "create_token")
        command = CreateToken(name="night shift", scopes=scopes or ACTS, days=days)
        self.made = create_token(command, by=self.operator)
        self.headers = {"Authorization": f"Bearer {self.made.secret}"}
        self.client = Client()

    def post(self, path: str, body: object = None, **headers: str):
        return self.client.post(path, body, content_type="application/json", headers=self.headers | headers)

    def get(self, path: str):
        return self.client.get(path, headers=self.headers)


@pytest.fixture
def door(transactional_db) -> Door:
    return Door()


def test_a_dismissal_is_created_and_its_decision_named(wedged, door):
    answer = door.post(DISMISS, {"event_id": wedged.poison, "reason": "Cannot be read", "preset": "unreadable"})

    assert answer.status_code == 201, answer.content
    entry = AuditEntry.objects.get(act="dismiss_event")
    assert answer.json()["decision_id"] == entry.decision_id
    assert (entry.channel, entry.client, entry.preset) == ("api", "night shift", "unreadable")
    assert wedged.lane.position == wedged.poison


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"reason": "  "}, 400, "no-reason"),
        ({"reason": "x" * 2001}, 400, "reason-too-long"),
        ({"event_id": 10**12}, 404, "no-such-event"),
        ({"event_id": -1}, 404, "no-such-event"),
        ({"expected_skipped": 3}, 409, "other-skipped"),
        ({"preview_token": "of yesterday"}, 409, "lane-moved"),
        ({"event_id": "12"}, 422, "malformed-request"),
        ({"event_id": True}, 422, "malformed-request"),
        ({"reason": None}, 422, "malformed-request"),
        ({"preset": "because"}, 422, "unknown-preset"),
        ({"because": "misspelt"}, 422, "malformed-request"),
    ],
)
def test_a_refusal_is_a_problem_and_changes_nothing(wedged, door, body, status, problem):
    answer = door.post(DISMISS, {"event_id": wedged.poison, "reason": "Cannot be read"} | body)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"urn:palimpsest:problem:{problem}"
    assert answer.json()["status"] == status
    assert wedged.lane.wedged_at is not None
    assert not AuditEntry.objects.filter(act="dismiss_event").exists()


def test_a_lane_that_moved_is_told_as_it_stands(wedged, door):
    answer = door.post(DISMISS, {"event_id": wedged.poison, "reason": "x", "preview_token": "of yesterday"})

    assert answer.json()["present"]["state"] == "wedged"
    assert answer.json()["present"]["next_event"] == wedged.poison


def test_the_preview_is_what_the_dismissal_does(wedged, door):
    said = door.post("/agent/reactions/noter/dismissal-preview", {"event_id": wedged.after[0]}).json()
    assert [one["event_id"] for one in said["skipped"]] == [wedged.poison]

    assert door.get(f"/agent/reactions/noter/dismissal-preview?event_id={wedged.after[0]}").json() == said

    held = {name: said[name] for name in ("preview_token", "expected_skipped")}
    done = door.post(DISMISS, {"event_id": wedged.after[0], "reason": "x", **held})

    assert done.json()["inputs"]["skipped"] == [wedged.poison, wedged.after[0]]


def test_the_same_key_is_answered_the_same(wedged, door):
    body = {"event_id": wedged.poison, "reason": "x"}
    first = door.post(DISMISS, body, **{"Idempotency-Key": "k"})

    again = door.post(DISMISS, body, **{"Idempotency-Key": "k"})
    other = door.post(DISMISS, body | {"reason": "y"}, **{"Idempotency-Key": "k"})

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (other.status_code, other.json()["type"]) == (422, "urn:palimpsest:problem:key-reused")


def test_nobody_is_told_to_sign_in(wedged):
    answer = Client().post(DISMISS, {"event_id": wedged.poison, "reason": "x"}, content_type="application/json")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:palimpsest:problem:not-signed-in"


def test_a_session_needs_the_csrf_token(wedged):
    user = allow(make_user(), "dismiss_event")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    body = {"event_id": wedged.poison, "reason": "x"}

    refused = client.post(DISMISS, body, content_type="application/json")
    client.cookies["csrftoken"] = "c" * 32
    taken = client.post(DISMISS, body, content_type="application/json", headers={"X-CSRFToken": "c" * 32})

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:palimpsest:problem:csrf")
    assert taken.status_code == 201


def test_a_token_may_do_what_its_scopes_say_and_its_person_may(wedged):
    reader = Door("view_desk")

    refused = reader.post(DISMISS, {"event_id": wedged.poison, "reason": "x"})

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:palimpsest:problem:not-permitted")
    assert reader.get("/agent/subscribers").status_code == 200
    reader.operator.user.user_permissions.clear()
    assert reader.get("/agent/subscribers").status_code == 403


def test_a_token_ends(door):
    assert door.get("/agent/subscribers").status_code == 200

    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert door.get("/agent/subscribers").status_code == 401
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    revoke_token(RevokeToken(token_id=door.made.row.pk), by=door.operator)
    assert door.get("/agent/subscribers").status_code == 401
    assert Client().get("/agent/subscribers", headers={"Authorization": "Bearer pal_x"}).status_code == 401


def test_only_the_digest_of_a_token_is_kept(door):
    row = ApiToken.objects.values().get()

    assert door.made.secret not in repr(row)
    assert door.made.secret.startswith(row["hint"])


def test_subscribers_and_lanes_are_told_worst_first(wedged, door):
    assert door.get("/agent/subscribers").json()[0] | {"behind_seconds": 0} == {
        "name": "noter",
        "kind": "reaction",
        "state": "wedged",
        "reads": ["user_turn", "assistant_turn"],
        "lanes": 1,
        "behind_events": 3,
        "behind_seconds": 0,
        "backing_off": 0,
        "wedged": 1,
        "paused": 0,
        "paused_at": None,
        "paused_by": "",
        "paused_reason": "",
        "rebuilding": False,
    }
    [lane] = door.get("/agent/reactions/noter/lanes?state=wedged").json()
    assert (lane["stream"], lane["behind"], lane["chat_title"]) == (wedged.stream, 3, "Night watch")
    assert door.get("/agent/reactions/noter/lanes?state=live").json() == []
    shown = door.get(f"/agent/reactions/noter/lanes/{wedged.stream}").json()
    assert [one["error"] for one in shown["attempts"]] == ["ValueError", "ValueError"]
    assert shown["payload"]["text"] == "(6 characters)"
    assert door.get(f"/agent/reactions/noter/lanes/{wedged.stream}?reveal=true").status_code == 403


def test_the_list_of_subscribers_takes_few_queries_however_many_there_are(wedged, django_assert_max_num_queries):
    by = operator("view_desk")

    with django_assert_max_num_queries(7):
        assert len(desk.list_subscribers(by=by)) == 8


def test_a_pause_and_its_end(wedged, door):
    paused = door.post("/agent/subscribers/noter/pause", {"reason": "New prompt on trial"})
    again = door.post("/agent/reactions/noter/pause", {"reason": "Once more"})
    resumed = door.post("/agent/subscribers/noter/resume")

    assert [one.status_code for one in (paused, again, resumed)] == [201, 409, 201]
    assert resumed.json()["before"]["reason"] == "New prompt on trial"
    lane = f"/agent/subscribers/noter/lanes/{wedged.stream}"
    assert door.post(f"{lane}/pause", {"reason": "Only this one"}).status_code == 201
    assert door.post(f"{lane}/resume", {}).status_code == 201
    assert door.post(f"{lane}/retry").status_code == 201
    found = door.get("/agent/decisions?search=TRIAL").json()
    assert [one["act"] for one in found] == ["pause_subscriber"]
    assert len(door.get(f"/agent/decisions?stream={wedged.stream}").json()) == 3
