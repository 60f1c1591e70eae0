"""Everything that the API's schema allows, and some that it does not: never an error of ours (5xx)."""

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from schemathesis import GenerationMode

from agent.api.site import api
from tests.agent.operations.test_api import ACTS, Door

# What the database has to do with it is in the contract, which is tried on both.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
EXAMPLES = 12
SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema(path_prefix="/agent/"))
SCHEMA.config.generation.update(modes=list(GenerationMode))
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_is_answered_with_an_error_of_ours(stuck, label):
    SCHEMA.app = get_wsgi_application()
    door = Door(*ACTS, "reveal_payload")
    real = {"name": some.sampled_from(["noter", "counter", "nobody"]), "stream": some.just(stuck.stream)}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(data=some.data())
    def ask(data) -> None:
        case = data.draw(OPERATIONS[label].as_strategy(generation_mode=data.draw(some.sampled_from(GenerationMode))))
        for name, strategy in real.items():
            if name in (case.path_parameters or {}) and data.draw(some.booleans()):
                case.path_parameters[name] = data.draw(strategy)
        if isinstance(case.body, dict) and "event_id" in case.body and data.draw(some.booleans()):
            case.body["event_id"] = data.draw(some.sampled_from([stuck.poison, *stuck.after]))
        answer = case.call(app=SCHEMA.app, headers=door.headers)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text

    ask()
