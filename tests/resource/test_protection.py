"""`manage.py protection`: the table, the JSON, and the exit status for CI."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

EVERYTHING = pytest.mark.urls("tests.resource.everything_urls")
MIDDLEWARE = pytest.mark.urls("tests.resource.middleware_urls")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("protection", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def rows(*arguments: str) -> list[dict[str, object]]:
    return json.loads(run("--json", *arguments))


@MIDDLEWARE
def test_the_table_tells_what_is_open_first():
    assert run("--prefix", "/api/") == (
        "      METHOD  PATH                REQUIRES     BY\n"
        "OPEN  ANY     /api/async                               tests.resource.middleware_urls.plain_async\n"
        "OPEN  ANY     /api/health                              on purpose; tests.resource.middleware_urls.health\n"
        "OPEN  ANY     /api/plain                               tests.resource.middleware_urls.plain\n"
        "OPEN  ANY     /api/reading/plain                       tests.resource.middleware_urls.plain\n"
        "      ANY     /api/write          notes:write  Django\n"
        "\n"
        "4 of 5 routes are OPEN.\n"
    )


@EVERYTHING
def test_where_nothing_is_open_it_says_so():
    assert run("--prefix", "/ninja/closed/").endswith("\nNo open routes. Routes checked: 1.\n")


@EVERYTHING
def test_one_open_route_is_one_route():
    assert run("--prefix", "/pages/health").endswith("\n1 of 1 routes is OPEN.\n")


@MIDDLEWARE
def test_colour_is_for_terminals_alone():
    out = StringIO()
    call_command("protection", stdout=out, force_color=True)
    assert "\x1b[" in out.getvalue()
    assert "\x1b[" not in run()


@EVERYTHING
def test_scripts_read_json():
    assert rows("--prefix", "/pages/notes") == [
        {
            "path": "/pages/notes/<pk>/<part>",
            "operation": "",
            "methods": ["GET", "POST"],
            "view": "tests.resource.everything_urls.Notes",
            "open": False,
            "unknown": False,
            "on_purpose": False,
            "requires": "notes:read | admin",
            "scopes": ["notes:read", "admin"],
            "mechanism": "Django",
            "note": "",
        }
    ]
    (plain,) = rows("--prefix", "/pages/plain")
    assert (plain["open"], plain["scopes"], plain["methods"]) == (True, None, [])


@EVERYTHING
def test_two_runs_say_the_same_sorted_by_path():
    assert run("--json") == run("--json")
    paths = [row["path"] for row in rows()]
    assert paths == sorted(paths)


@EVERYTHING
def test_an_open_route_fails_the_build_and_is_named():
    with pytest.raises(CommandError) as refused:
        run("--fail-on-open", "--prefix", "/ninja/", "--allow", "/ninja/")
    assert refused.value.returncode == 1
    assert "GET /ninja/open (tests.resource.everything_urls.anybody)" in str(refused.value)
    assert "/ninja/notes" not in str(refused.value)


@pytest.mark.urls("tests.resource.there_is_none")
def test_a_urlconf_that_cannot_be_read_fails_the_build_whatever_the_prefix():
    with pytest.raises(CommandError, match=r"ANY /\* .* cannot be read"):
        run("--fail-on-open", "--prefix", "/api/notes/")


@EVERYTHING
def test_json_is_whole_where_the_build_fails():
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("protection", "--json", "--fail-on-open", stdout=out)
    assert json.loads(out.getvalue())


@EVERYTHING
@pytest.mark.parametrize(
    "arguments",
    [
        ["--prefix", "/ninja/closed/"],
        ["--prefix", "/pages/health"],
        ["--prefix", "/ninja/", "--allow", "/ninja/", "--allow", "/ninja/open*"],
        ["--prefix", "/ninja/op", "--allow", "ANY /ninja/openapi.json", "--allow", "GET /ninja/open"],
        ["--prefix", "/api/open", "--allow", "get /api/open*", "--allow", "POST /api/open*"],
    ],
    ids=["protected", "open on purpose", "allowed", "allowed by method", "allowed method by method"],
)
def test_what_is_protected_or_said_to_be_open_passes(arguments):
    run("--fail-on-open", *arguments)


@EVERYTHING
@pytest.mark.parametrize("pattern", ["GET /api/open", "POST /api/open", "/api/ope", "/API/open", "DELETE /api/open"])
def test_a_pattern_allows_no_more_than_it_says(pattern):
    with pytest.raises(CommandError, match="/api/open"):
        run("--fail-on-open", "--prefix", "/api/open", "--allow", "/api/opened", "--allow", pattern)


@EVERYTHING
def test_patterns_may_stand_in_a_file(tmp_path):
    file = tmp_path / "open.txt"
    file.write_text("# the schema\n/ninja/\n\n/ninja/openapi.json  # told to anybody\nGET /ninja/open\n")
    run("--fail-on-open", "--prefix", "/ninja/", "--allow-file", str(file))


@EVERYTHING
def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        run("--fail-on-open", "--allow-file", str(tmp_path / "none"))


@EVERYTHING
def test_it_runs_where_a_check_finds_errors(settings):
    """The checks send people here."""
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/pages/": None}}
    assert "OPEN" in run()
