"""No request costs more than costs.json has for it (`python -m tests.budgets.costs` shows each figure)."""

from __future__ import annotations

import pytest

from tests.budgets.costs import counted_apart, kept, lowered, over


def test_no_request_costs_more_than_it_did() -> None:
    deployment, found = counted_apart()
    if deployment not in kept():
        pytest.skip(f"nothing is written down for {deployment}")
    assert over(found, kept()[deployment]) == []


def figures(cost: int) -> dict[str, dict[str, int]]:
    return {"introspect, opaque": {"statements": 1, "calls": cost}}


@pytest.mark.parametrize(("cost", "fails"), [(1030, False), (1031, True)])
def test_three_percent_more_is_too_much(cost: int, fails: bool) -> None:
    assert bool(over(figures(cost), figures(1000))) is fails


def test_one_statement_more_is_too_much() -> None:
    assert over({"revoke": {"statements": 4}}, {"revoke": {"statements": 3}}) == [
        "revoke: 4 statements, where 3 were written down"
    ]


@pytest.mark.parametrize(("cost", "written"), [(900, 900), (1020, 1000)])
def test_a_lower_figure_is_written_down_and_a_higher_one_is_not(cost: int, written: int) -> None:
    assert lowered(figures(cost), figures(1000)) == figures(written)


def test_a_request_that_is_new_is_written_down() -> None:
    assert lowered(figures(900), {}) == figures(900)
