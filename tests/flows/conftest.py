"""A visitor of the site that all tests share, with a story of their own."""

import pytest

from tests.flows.visitor import Visitor
from tests.site import Site


@pytest.fixture(scope="module")
def owner(shared_site: Site) -> Visitor:
    return Visitor(shared_site)


@pytest.fixture
def visitor(owner: Visitor) -> Visitor:
    owner.begin_a_story()
    return owner
