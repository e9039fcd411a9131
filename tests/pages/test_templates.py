"""What each page holds, and what no page does: markup from a stranger, a script or a style in line."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext_lazy

from django_oauth_server.authorization.channels.redirect import PRIVATE_SCHEME
from django_oauth_server.endpoints.pages import render_page

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def client(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Printer",
        "host": "",
        "claims": None,
        "initial": "P",
        "logo_url": "",
        "home_url": "https://printer.example/",
        "home_host": "printer.example",
        "policy_url": "https://printer.example/privacy",
        "terms_url": "https://printer.example/terms",
        "contacts": ["help@printer.example"],
    } | changes


def documented(**changes: Any) -> dict[str, Any]:
    """One that is described by a document, for whose host nobody vouches."""
    claims = {"name": "Printer", "logo_url": ""}
    return client(name="apps.example", host="apps.example", claims=claims, initial="A") | changes


def scope(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "description": f"use {name}", "sensitive": False, "optional": False, "about": ""} | changes


def app(**changes: Any) -> dict[str, Any]:
    return {
        "client": client(),
        "scopes": [scope("notes")],
        "since": datetime(2026, 3, 3, 12, tzinfo=UTC),
        "last_used": None,
        "access": "present",
        "disconnect_url": "/connected/1/remove",
    } | changes


CONSENT: dict[str, Any] = {
    "issuer_name": "Example",
    "client": client(),
    "destination_label": gettext_lazy("You'll be sent back to"),
    "destination": "printer.example",
    "unproven": "",
    "warning": PRIVATE_SCHEME,
    "account": "ada",
    "groups": [
        {"heading": "Notes API", "scopes": [scope("write", sensitive=True), scope("read", optional=True)], "more": []}
    ],
    "known": [],
    "nothing_new": False,
    "has_optional": True,
    "resources": ["Notes API"],
    "duration": "Access lasts for 30 days.",
    "connected_apps_url": "/connected/",
    "handle": "the-handle",
    "decision_url": "/decision",
}
ERROR: dict[str, Any] = {
    "heading": "This app sent an invalid request",
    "explanation": "The app made a mistake.",
    "reference": "7f3a",
    "parameter": "redirect_uri",
    "rule": "RFC 6749 section 3.1.2.4",
    "error": "invalid_request",
    "description": "https://evil.example is not registered",
}
APPS: dict[str, Any] = {
    "issuer_name": "Example",
    "account": "ada",
    "apps": [app()],
    "messages": ["Framer is out."],
    "connected_apps_url": "/connected/",
}
DISCONNECT: dict[str, Any] = {"app": app(), "stops": "Printing stops.", "connected_apps_url": "/connected/"}
FORM_POST: dict[str, Any] = {
    "client": {"name": "Printer"},
    "redirect_uri": "https://printer.example/back?x=1&y=2",
    "parameters": [("code", "abc"), ("state", 'x"y<z')],
}
SELECT: dict[str, Any] = {
    "issuer_name": "Example",
    "client": client(),
    "account": "ada",
    "offers_current": True,
    "handle": "the-handle",
    "decision_url": "/decision",
}
FAULT = {
    "reference": "1A2B3C4D",
    "error": "invalid_request",
    "description": "The parameter id_token_hint is not an ID token that this server issued.",
    "parameter": "id_token_hint",
    "rule": "OpenID Connect RP-Initiated Logout section 2",
}
SIGN_OUT: dict[str, Any] = {
    "issuer_name": "Example",
    "client": client(),
    "account": "ada",
    "decision_url": "/decision",
    "parameters": [("id_token_hint", "e30.e30.x"), ("state", 'x"y<z')],
    "is_late": True,
    "fault": FAULT,
}
SIGNED_OUT: dict[str, Any] = {
    "issuer_name": "Example",
    "heading": "You are signed out",
    "explanation": "You have left your account.",
    "fault": FAULT,
    "client": client(),
    "continue_url": "https://printer.example/bye?x=1&y=2",
    "continue_host": "printer.example",
    "goes_on": True,
    "is_signed_in": False,
    "connected_apps_url": "/connected/",
    "frames": ["https://printer.example/out?sid=1"],
}
START: dict[str, Any] = {
    "issuer_name": "Example",
    "client": client(),
    "destination": "printer.example",
    "unproven": "",
    "connected_apps_url": "/connected/",
}
DEVICE_CODE: dict[str, Any] = {
    "issuer_name": "Example",
    "page_url": "/device",
    "typed": "WDJB-MJHA",
    "error": gettext_lazy("This code isn't right. Check the code on your device and try again."),
}
DEVICE_CONFIRM: dict[str, Any] = {
    "issuer_name": "Example",
    "client": client(),
    "account": "ada",
    "code": "WDJB-MJHT",
    "kind": gettext_lazy("TV or streaming device"),
    "asked_at": datetime(2026, 1, 1, tzinfo=UTC),
    "address": "203.0.113.9",
    "handle": "the-handle",
    "decision_url": "/decision",
}
DEVICE_ANSWERED: dict[str, Any] = {
    "issuer_name": "Example",
    "client": client(),
    "heading": gettext_lazy("Go back to your device"),
    "explanation": gettext_lazy("The app on your device now has access. It may take a few seconds to continue."),
    "connected_apps_url": "/connected/",
}
PAGES = {
    "device_code": DEVICE_CODE,
    "device_confirm": DEVICE_CONFIRM,
    "device_answered": DEVICE_ANSWERED,
    "start_sign_in": START,
    "select_account": SELECT,
    "consent": CONSENT,
    "error": ERROR,
    "connected_apps": APPS,
    "disconnect": DISCONNECT,
    "form_post": FORM_POST,
    "sign_out": SIGN_OUT,
    "signed_out": SIGNED_OUT,
}


MANY = [scope(f"thing {number}", sensitive=number % 8 == 0, optional=number % 5 == 0) for number in range(21)]
STATES: list[tuple[str, dict[str, Any]]] = [
    *((page, {}) for page in PAGES),
    *(("consent", {"unproven": why}) for why in ("self_registered", "unproven")),
    ("consent", {"unproven": "document", "client": documented(), "can_be_impersonated": True}),
    ("consent", {"client": client(host="apps.example")}),
    ("device_confirm", {"client": documented()}),
    ("connected_apps", {"apps": [app(client=documented())]}),
    ("disconnect", {"app": app(client=documented())}),
    ("start_sign_in", {"client": documented(), "unproven": "document"}),
    ("consent", {"groups": []}),
    ("consent", {"known": [scope("notes", optional=True), scope("mail", sensitive=True, about="Mail API")]}),
    ("consent", {"nothing_new": True, "changes": ["its name"]}),
    ("connected_apps", {"apps": []}),
    ("connected_apps", {"apps": [], "query": "x", "is_searchable": True}),
    ("connected_apps", {"apps": [app(access="background", start_url="/start", scopes=[scope("notes")] * 6)]}),
    ("connected_apps", {"apps": [app(client=client(name=f"Printer {n}")) for n in range(13)], "is_searchable": True}),
    ("connected_apps", {"apps": [app(client=client(home_url=""), scopes=[scope("notes", sensitive=True)])]}),
    ("select_account", {"offers_current": False}),
    ("start_sign_in", {"unproven": "self_registered"}),
    ("sign_out", {"client": None}),
    ("signed_out", {"goes_on": False, "fault": None}),
    ("signed_out", {"goes_on": False, "fault": None, "continue_url": ""}),
    ("signed_out", {"goes_on": False, "fault": None, "continue_url": "", "client": None, "is_signed_in": True}),
    ("error", {"client": client(), "again_url": "/again", "error": ""}),
    ("device_code", {"error": "", "typed": ""}),
    ("device_confirm", {"asked_just_now": True, "address": "", "kind": ""}),
    ("device_answered", {"connected_apps_url": "", "page_url": "/device"}),
    (
        "consent",
        {
            "groups": [
                {"heading": "", "scopes": MANY[:3], "more": []},
                {"heading": "Mail API", "scopes": MANY[3:8], "more": MANY[8:]},
            ]
        },
    ),
]
"""Each page as a person may find it; the last has more than fits."""


class Elements(HTMLParser):
    """Each start tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [has for name, has in self.found if name == tag and attributes.items() <= has.items()]


def html(page: str, **changes: Any) -> str:
    request = RequestFactory().get("/")
    return render_page(request, f"oauth_server/{page}.html", PAGES[page] | changes).content.decode()


def elements(page: str, **changes: Any) -> Elements:
    return Elements(html(page, **changes))


def words(page: str, **changes: Any) -> str:
    apart = re.sub(r"</(dt|dd)>", " ", html(page, **changes))
    return " ".join(re.sub(r"<[^>]+>", "", apart).split())


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_scripted_or_styled_in_line(page: str) -> None:
    for tag, attributes in elements(page).found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_the_page_says_its_language_and_direction(page: str, language: str, direction: str) -> None:
    with translation.override(language):
        assert elements(page).of("html", lang=language, dir=direction)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_has_one_heading_and_a_title(page: str) -> None:
    assert len(elements(page).of("h1")) == 1
    assert re.search(r"<title>\S.*</title>", html(page))


@pytest.mark.parametrize("page", PAGES)
def test_no_word_of_the_trade_is_shown(page: str) -> None:
    assert not re.search(
        r"\b(scope|client|grant|token|authoriz\w+)s?\b", words(page, error="", fault=None), re.IGNORECASE
    )


@pytest.mark.spec("OAuth 2.1", "7.12")
@pytest.mark.parametrize(
    ("page", "changes"),
    [
        (
            "consent",
            {"client": client(name=HOSTILE, initial="<", contacts=[HOSTILE], home_host=HOSTILE, home_url=HOSTILE)},
        ),
        ("consent", {"destination": HOSTILE, "account": HOSTILE, "handle": HOSTILE, "resources": [HOSTILE]}),
        (
            "consent",
            {
                "client": documented(host=HOSTILE, claims={"name": HOSTILE, "logo_url": HOSTILE}),
                "unproven": "document",
            },
        ),
        ("connected_apps", {"apps": [app(client=documented(claims={"name": HOSTILE, "logo_url": HOSTILE}))]}),
        ("consent", {"client": client(logo_url=HOSTILE, policy_url=HOSTILE, terms_url=HOSTILE)}),
        (
            "consent",
            {
                "groups": [{"heading": HOSTILE, "scopes": [scope(HOSTILE, optional=True)], "more": [scope(HOSTILE)]}],
                "known": [scope(HOSTILE, about=HOSTILE)],
            },
        ),
        ("connected_apps", {"apps": [], "query": HOSTILE, "is_searchable": True}),
        ("error", dict.fromkeys(ERROR, HOSTILE)),
        (
            "connected_apps",
            {"apps": [app(client=client(name=HOSTILE), scopes=[scope(HOSTILE)])], "messages": [HOSTILE]},
        ),
        ("disconnect", {"app": app(client=client(name=HOSTILE), scopes=[scope(HOSTILE)]), "stops": HOSTILE}),
        ("sign_out", {"client": client(name=HOSTILE), "account": HOSTILE, "parameters": [(HOSTILE, HOSTILE)]}),
        ("signed_out", dict.fromkeys(SIGNED_OUT, HOSTILE) | {"frames": [HOSTILE], "client": client(name=HOSTILE)}),
        ("form_post", {"client": {"name": HOSTILE}, "redirect_uri": HOSTILE, "parameters": [(HOSTILE, HOSTILE)]}),
    ],
)
def test_what_a_stranger_wrote_stays_text(page: str, changes: dict[str, Any]) -> None:
    found = elements(page, **changes)
    assert not [has for _, has in found.found if "onerror" in has]
    assert all(has.get("src") for has in found.of("script"))
    assert not found.of("img", src="x")


def test_a_project_brands_every_page_with_one_template_of_the_same_path(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "oauth_server").mkdir()
    (tmp_path / "oauth_server/base.html").write_text(
        '{% extends "oauth_server/base.html" %}{% block brand %}<img src="/brand.svg" alt="Example">{% endblock %}'
    )
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    for page in PAGES:
        assert elements(page).of("img", src="/brand.svg") and elements(page).of("h1")


def test_consent_asks_in_one_sentence() -> None:
    assert "Printer wants to use your account at Example" in words("consent")


def test_consent_posts_its_handle_and_one_of_two_answers() -> None:
    found = elements("consent")
    assert found.of("form", method="post", action="/decision", autocomplete="off")
    assert found.of("input", type="hidden", name="interaction", value="the-handle")
    assert found.of("input", type="hidden", name="csrfmiddlewaretoken")
    assert found.of("button", type="submit", name="decision", value="allow", id="allow")
    assert found.of("button", type="submit", name="decision", value="deny", id="deny")


def test_no_answer_is_chosen_beforehand_and_the_enter_key_gives_none() -> None:
    found = elements("consent")
    assert not [has for _, has in found.found if "autofocus" in has]
    first = found.of("button")[0]
    assert first["formmethod"] == "dialog" and "name" not in first


@pytest.mark.spec("RFC 6749", "3.3")
def test_only_what_is_optional_has_a_box_and_it_is_set() -> None:
    boxes = elements("consent").of("input", type="checkbox", name="scope")
    assert [(box["value"], "checked" in box) for box in boxes] == [("read", True)]


def test_consent_marks_what_is_sensitive() -> None:
    assert "Use write Sensitive Use read" in words("consent")


def test_consent_explains_once_what_is_optional() -> None:
    assert words("consent").count("Clear the box") == 1
    assert "Clear the box" not in words("consent", has_optional=False)


def test_asking_again_says_what_is_new_and_folds_away_what_was_allowed_before() -> None:
    again = {"known": [scope("mail", about="Mail API"), scope("tea")]}
    assert "This app will also be able to" in words("consent", **again)
    assert "2 permissions you have already allowed Use mail Mail API Use tea" in words("consent", **again)
    assert '<details id="known">' in html("consent", **again)
    assert "You have already allowed this app to" in words("consent", nothing_new=True)


def test_a_long_group_is_folded_and_counted() -> None:
    group = {"heading": "Notes API", "scopes": [scope("one")], "more": [scope("two"), scope("three")]}
    shown, folded = html("consent", groups=[group]).split("<details>")
    assert "Use one" in shown and "2 more" in folded and "Use two" in folded and "Use three" in folded


def test_consent_says_for_how_long_and_where_to_take_it_back() -> None:
    assert "Access lasts for 30 days. You can remove access at any time under connected apps." in words("consent")
    assert elements("consent").of("a", href="/connected/")


def test_where_the_answer_goes_stands_with_the_name_before_what_is_asked() -> None:
    told = words("consent")
    assert "at Example You'll be sent back to printer.example Signed in as ada" in told
    assert told.index("You'll be sent back to") < told.index("will be able to")


def test_consent_says_who_is_asking() -> None:
    found = elements("consent")
    assert "help@printer.example" in words("consent")
    for address in ("https://printer.example/", "https://printer.example/privacy", "https://printer.example/terms"):
        (link,) = found.of("a", href=address)
        assert link["rel"] == "noopener noreferrer nofollow"


@pytest.mark.parametrize(
    ("unproven", "notice"),
    [
        ("self_registered", "This app has not been verified"),
        ("unproven", "another app could take its place"),
    ],
)
def test_consent_warns_of_an_app_that_nobody_vouches_for(unproven: str, notice: str) -> None:
    assert notice in words("consent", unproven=unproven)
    assert notice not in words("consent")


@pytest.mark.spec("Client ID Metadata Document", "8.5")
def test_consent_shows_the_host_of_a_document_before_what_the_app_claims() -> None:
    claims = {"name": "Google", "logo_url": "/logo/1"}
    shown = {"unproven": "document", "client": documented(claims=claims)}
    told = words("consent", **shown)
    assert "apps.example wants to use your account at Example This app calls itself “Google”" in told
    assert "has not checked who made this app. It is published at apps.example" in told
    assert "Google" not in re.findall("<title>(.*)</title>", html("consent", **shown))[0]
    assert [image["class"] for image in elements("consent", **shown).of("img") if "class" in image] == []
    assert elements("consent", **shown).of("img", src="/logo/1", alt="")


def test_consent_says_where_an_app_is_published_that_an_operator_vouches_for() -> None:
    told = words("consent", client=client(host="apps.example"))
    assert "Printer wants to use your account at Example Published at apps.example" in told
    assert "calls itself" not in told and "has not checked" not in told


@pytest.mark.parametrize("can_be_impersonated", [True, False])
def test_consent_warns_where_another_program_could_take_the_answer(can_be_impersonated: bool) -> None:
    told = words("consent", unproven="document", client=documented(), can_be_impersonated=can_be_impersonated)
    assert ("another app could take its place" in told) is can_be_impersonated


@pytest.mark.parametrize(
    ("page", "changes"),
    [
        ("device_confirm", {"client": documented()}),
        ("start_sign_in", {"client": documented(), "unproven": "document"}),
        ("disconnect", {"app": app(client=documented())}),
    ],
)
def test_other_pages_show_the_host_first_as_well(page: str, changes: dict[str, Any]) -> None:
    told = words(page, **changes)
    assert 0 < told.index("apps.example") < told.index("This app calls itself “Printer”")


def test_an_app_without_a_logo_shows_its_initial() -> None:
    assert not elements("consent").of("img")
    assert '<span class="logo" aria-hidden="true">P</span>' in html("consent")
    assert elements("consent", client=client(logo_url="/logo/1")).of("img", src="/logo/1", alt="")


@pytest.mark.spec("OAuth 2.1", "4.1.2.1")
def test_an_error_links_nowhere() -> None:
    assert not elements("error").of("a") and not elements("error").of("form")


def test_an_error_folds_away_what_is_for_a_developer() -> None:
    before, folded = html("error").split("<details>")
    assert "The app made a mistake." in before and "7f3a" in before
    for detail in ("invalid_request", "redirect_uri", "RFC 6749 section 3.1.2.4"):
        assert detail in folded and detail not in before


def test_an_app_is_a_line_that_opens() -> None:
    line = re.search(r"<summary>(.*?)</summary>", html("connected_apps"), re.DOTALL)
    assert line and re.sub(r"<[^>]+>|\s+", " ", line[1]).split() == ["P", "Printer", "Never", "used"]
    assert elements("connected_apps").of("details", open=None)
    assert not elements("connected_apps", apps=[app(), app()]).of("details", open=None)


def test_an_app_is_listed_with_since_when_and_from_which_access() -> None:
    listed = words("connected_apps")
    assert "This app can Use notes It can use your account only while you are using the app." in listed
    assert "Allowed on March 3, 2026 Last used Never" in listed
    assert "even while you aren't using the app" in words("connected_apps", apps=[app(access="background")])
    assert elements("connected_apps").of("a", href="/connected/1/remove")


def test_many_apps_can_be_searched() -> None:
    assert not elements("connected_apps").of("form")
    found = elements("connected_apps", is_searchable=True, query="prin")
    assert found.of("form", role="search", method="get", action="/connected/")
    assert found.of("input", type="search", name="q", value="prin", id="search") and found.of("label")


def test_a_search_without_a_result_leads_back_to_all_apps() -> None:
    assert "No apps match “x” Show all apps" in words("connected_apps", apps=[], query="x", is_searchable=True)
    assert elements("connected_apps", apps=[], query="x", is_searchable=True).of("a", href="/connected/")


def test_a_removal_is_announced() -> None:
    assert re.search(r'role="status">\s*<p[^>]*>Framer is out\.', html("connected_apps"))


def test_an_empty_list_says_what_would_be_there() -> None:
    assert "When you allow an app to use your account, it appears here." in words("connected_apps", apps=[])


def test_removal_asks_once_and_says_what_stops() -> None:
    found = elements("disconnect")
    assert "Remove access?" in words("disconnect") and "Printing stops." in words("disconnect")
    assert found.of("button", type="submit", id="remove") and found.of("a", href="/connected/")
    assert found.of("input", name="csrfmiddlewaretoken") and "action" not in found.of("form")[0]


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode", "2")
def test_the_answer_is_posted_as_hidden_fields_with_a_button_for_those_without_scripts() -> None:
    found = elements("form_post")
    assert found.of("form", method="post", action="https://printer.example/back?x=1&y=2")
    hidden = [(has["name"], has["value"]) for has in found.of("input", type="hidden")]
    assert hidden == [("code", "abc"), ("state", 'x"y<z')]  # and no CSRF token, which the app has no business to know
    assert found.of("button", type="submit", id="continue")
    assert [has["src"] for has in found.of("script")] == ["/static/oauth_server/form_post.js"]


@pytest.mark.spec("OpenID Connect RP-Initiated Logout", "2")
def test_signing_out_is_asked_with_a_way_out_and_posts_the_request_again() -> None:
    found = elements("sign_out")
    assert "Sign out of Example?" in words("sign_out") and "Printer asks whether" in words("sign_out")
    assert found.of("form", method="post", action="/decision")
    assert found.of("button", type="submit", name="decision", value="sign_out", id="logout-confirm")
    assert found.of("button", type="submit", name="decision", value="stay", id="logout-cancel")
    hidden = {has["name"]: has["value"] for has in found.of("input", type="hidden")}
    assert hidden.keys() == {"csrfmiddlewaretoken", "id_token_hint", "state"} and hidden["state"] == 'x"y<z'


def test_nobody_is_named_who_did_not_prove_to_have_asked() -> None:
    assert "asks whether" not in words("sign_out", client=None)


@pytest.mark.spec("WCAG 2.2", "2.2.1")
def test_the_page_goes_on_by_itself_only_where_a_script_can_stop_it() -> None:
    found = elements("signed_out")
    assert not found.of("meta", **{"http-equiv": "refresh"})
    assert found.of("button", id="stay", type="button") and "hidden" in found.of("div", id="going-on")[0]


@pytest.mark.parametrize(
    ("page", "changes", "href"),
    [
        ("signed_out", {"continue_url": "", "goes_on": False}, "https://printer.example/"),
        ("signed_out", {"continue_url": "", "goes_on": False, "client": None}, "/connected/"),
        ("signed_out", {"continue_url": "", "goes_on": False, "is_signed_in": True}, "https://printer.example/"),
        ("start_sign_in", {}, "/connected/"),
        ("error", {"client": client(), "again_url": ""}, "https://printer.example/"),
        ("device_answered", {}, "/connected/"),
        ("device_answered", {"connected_apps_url": "", "page_url": "/device"}, "/device"),
    ],
)
def test_every_page_leads_on_or_back(page: str, changes: dict[str, Any], href: str) -> None:
    assert elements(page, **changes).of("a", href=href)
