"""The documentation of the operators' API, in a browser that keeps to the site's policy."""

import pytest


@pytest.mark.once
def test_the_documentation_is_drawn_for_staff_and_breaks_no_policy(player):
    player.page.goto("/agent/docs")

    player.see(".opblock", "/agent/reactions/{name}/dismiss-event")
    assert player.wrong == []
