"""The guide's table of agents is what the tests walk with."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS
from tests.mcp.agents import AGENTS, Agent

ROWS = dict(re.findall(r"^\| ([^|]+?)(?: \([^|]*\))? \|(.*)\|$", (DOCS / "mcp.md").read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("agent", AGENTS, ids=[one.name for one in AGENTS])
def test_the_guide_says_how_an_agent_presents_itself(agent: Agent) -> None:
    document, registers, sent_back = map(str.strip, ROWS[agent.name].split("|"))
    assert document == (f"`{agent.document['client_id']}`" if agent.document else "none")
    assert registers == ("yes" if agent.registration else "–")
    known = [*(agent.document or {}).get("redirect_uris", ()), *(agent.registration or {}).get("redirect_uris", ())]
    for uri in re.findall(r"`([a-z]+://[^`]*)`", sent_back):
        assert uri in {*known, *agent.sends}, uri
