"""The package speaks German and French: every page, the admin and the commands, and nothing is told to clients in either."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone, translation

import django_oauth_server
from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.models.device_request import DeviceRequest
from tests.device.walk import PAGE as DEVICE_PAGE
from tests.device.walk import Device, television
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory
from tests.flow import END_SESSION, Flow
from tests.pages.test_templates import PAGES, STATES, html

PACKAGE = Path(django_oauth_server.__file__).parent
LANGUAGES = ["de", "fr"]
NO_BREAK = "\N{NON-BREAKING HYPHEN}"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")
TAG = re.compile(r"<[^>]+>")
APPS = ["", "resource/"]


def catalogue(language: str, of: str = "") -> dict[Any, str]:
    """By msgid; of a plural, by msgid and form."""
    with (PACKAGE / f"{of}locale/{language}/LC_MESSAGES/django.mo").open("rb") as compiled:
        return {msgid: words for msgid, words in gettext.GNUTranslations(compiled)._catalog.items() if msgid}


class Texts(HTMLParser):
    """What is read on a page, but for names (`bdi`) and what is not to be translated."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self._silent += tag == "bdi" or has.get("translate") == "no"
        self.found.update(filter(None, (has.get(name) for name in ("alt", "title", "aria-label", "placeholder"))))

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"bdi", "code"} and self._silent > 0

    def handle_data(self, data: str) -> None:
        for text in " ".join(data.split()).split(" – "):
            if not self._silent and re.search(r"[A-Za-z]{2}", text):
                self.found.add(text)


def leaves(value: Any) -> Iterator[str]:
    """What a page is given, in words."""
    if isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)
    else:
        yield str(value).casefold()


def left_in_english(language: str, page: str, english: str, given: set[str]) -> set[str]:
    alike = {msgid for msgid, words in catalogue(language).items() if msgid == words}
    both = Texts(page).found & Texts(english).found
    return {text for text in both - alike if text.casefold().removeprefix(": ") not in given}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("page", "changes"), STATES)
def test_nothing_on_a_page_is_left_in_english(language: str, page: str, changes: dict[str, Any]) -> None:
    with translation.override("en"):
        english = html(page, **changes)
    with translation.override(language):
        translated = html(page, **changes)
    assert f'<html lang="{language}" dir="ltr">' in translated
    assert left_in_english(language, translated, english, set(leaves(PAGES[page] | changes))) == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("page", "changes"), STATES)
def test_a_page_is_made_of_the_same_elements_in_every_language(
    language: str, page: str, changes: dict[str, Any]
) -> None:
    def made(spoken: str) -> list[str]:
        with translation.override(spoken):
            return sorted(re.findall(r'<(\w+)[^>]*?(?:id="([\w-]+)")?[^>]*>', html(page, **changes)))

    assert made(language) == made("en")


WORDS_OF_THE_TRADE = {
    "de": r"\b(Clients?|Tokens?|Scopes?|Grants?|Autorisier\w*|Aussteller\w*|Secrets?)\b",
    "fr": r"\b(clients?|jetons?|portées?|octrois?|autorisations?|émetteurs?|secrets?)\b",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("page", "changes"), STATES)
def test_no_word_of_the_trade_is_shown(language: str, page: str, changes: dict[str, Any]) -> None:
    with translation.override(language):
        texts = Texts(html(page, **changes)).found
    assert not [text for text in texts if re.search(WORDS_OF_THE_TRADE[language], text, re.IGNORECASE)]


@pytest.mark.parametrize("template", sorted((PACKAGE / "templates").rglob("*.html")), ids=lambda path: path.stem)
def test_every_text_of_a_template_is_marked(template: Path) -> None:
    marked = r"{%\s*blocktranslate.*?endblocktranslate\s*%}|{% block bodyclass %}.*?{% endblock %}"
    source = re.sub(marked, "", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}|<[^>]*>|&\w+;", "", source, flags=re.DOTALL)
    quoted = re.findall(r'(?:alt|title|placeholder|aria-label)="([^"{]+)"', source)
    assert re.search(r"[A-Za-z]{2}", text) is None and quoted == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("of", APPS)
def test_placeholders_and_markup_survive_translation(language: str, of: str) -> None:
    for msgid, words in catalogue(language, of).items():
        original = msgid[0] if isinstance(msgid, tuple) else msgid
        assert words, msgid
        assert set(PLACEHOLDER.findall(words)) == set(PLACEHOLDER.findall(original)), msgid
        assert sorted(TAG.findall(words)) == sorted(TAG.findall(original)), msgid
        assert (words[:1] == " ", words[-1:] == ".") == (original[:1] == " ", original[-1:] == "."), msgid


@pytest.mark.parametrize("of", APPS)
def test_both_translations_have_the_same_texts(of: str) -> None:
    assert catalogue("de", of).keys() == catalogue("fr", of).keys()


@pytest.mark.parametrize("of", APPS)
def test_french_has_no_space_where_a_line_must_not_break(of: str) -> None:
    assert [words for words in catalogue("fr", of).values() if re.search(r" [?!:;»]|« |\w'\w", words)] == []


SAID_OF_ONE_GENDER = re.compile(r"\(e\)|\bvous (?:êtes|serez|étiez|vous êtes|pouvez être) \w+é\b|^Rester \w+é$")


def test_french_addresses_everybody() -> None:
    assert [words for words in catalogue("fr").values() if SAID_OF_ONE_GENDER.search(words)] == []


RIDDLES = {
    "de": r"\bLeer:|länger als nichts|das man sieht|beginnen lassen|^Das Höchste",
    "fr": r"\bSi vide\b|longue que rien|canal arrière",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_says_what_to_do(language: str) -> None:
    assert [words for words in catalogue(language).values() if re.search(RIDDLES[language], words)] == []


@pytest.mark.django_db
def test_a_state_in_french_agrees_with_what_it_is_said_of(admin_client: Browser) -> None:
    token = TokenFactory(revoked_at=timezone.now())
    type(token.authorization).objects.update(is_live=None, revoked_at=timezone.now())
    for page, words in (("token/", "révoqué"), ("authorization/?state=revoked", "révoquée")):
        listed = admin_client.get(f"/admin/django_oauth_server/{page}", headers={"Accept-Language": "fr"})
        assert f">{words}</span>" in listed.content.decode()


Door = Callable[[Flow, str], Any]
DOORS: dict[str, Door] = {
    "consent": lambda flow, language: flow.authorize(scope=" ".join(OPENID_SCOPES), ui_locales=language),
    "select_account": lambda flow, language: flow.authorize(
        scope="openid", prompt="select_account", ui_locales=language
    ),
    "error": lambda flow, language: flow.browser.get(
        "/oauth/authorize", {"client_id": "nobody"}, headers={"Accept-Language": language}
    ),
    "expired": lambda flow, language: flow.decide(
        flow.authorize(prompt="consent", ui_locales=language), interaction=""
    ),
    "connected_apps": lambda flow, language: flow.browser.get(
        "/oauth/connected-apps/", headers={"Accept-Language": language}
    ),
    "sign_out": lambda flow, language: flow.browser.get(END_SESSION, {"ui_locales": language}),
    "sign_out_error": lambda flow, language: flow.browser.get(
        END_SESSION, {"client_id": "nobody", "ui_locales": language}, headers={"Accept-Language": language}
    ),
}


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("door", DOORS)
def test_a_person_reads_no_english_whichever_way_they_come(flow: Flow, user: Any, door: str, language: str) -> None:
    AuthorizationFactory(user=user, client=flow.client, scope="openid profile email offline_access")
    english = DOORS[door](flow, "en").content.decode()
    flow.browser.cookies.pop("django_language", None)
    page = DOORS[door](flow, language).content.decode()
    given = {"example", "notebook", user.username, "id token", "no client is registered with this client_id."}
    assert f'<html lang="{language}"' in page
    assert left_in_english(language, page, english, given) == set()


DEVICE: dict[str, Callable[[Device, str], Any]] = {
    "typing": lambda device, code: device.browser.get(DEVICE_PAGE),
    "wrong": lambda device, code: device.type("BCDF-GHJK"),
    "comparing": lambda device, code: device.type(code),
    "consent": lambda device, code: device.confirm(code),
    "allowed": lambda device, code: device.allow(code),
    "denied": lambda device, code: device.decide(device.type(code), "deny"),
}


@pytest.mark.spec("RFC 8628", "3.3")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("door", DEVICE)
def test_who_lets_in_a_device_reads_no_english(browser: Browser, user: Any, door: str, language: str) -> None:
    def read(spoken: str) -> str:
        device = Device(television(), browser)
        browser.defaults["HTTP_ACCEPT_LANGUAGE"] = spoken
        DeviceRequest.objects.all().delete()
        code = device.codes(scope=" ".join(OPENID_SCOPES))["user_code"]
        return DEVICE[door](device, code).content.decode().replace(code, "").replace(NO_BREAK.join(code.split("-")), "")

    english = read("en")
    page = read(language)
    assert f'<html lang="{language}"' in page
    assert left_in_english(language, page, english, {"example", "notebook", user.username}) == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("de", "Der Zugriff endet, wenn Sie ihn entfernen oder die App 30 Tage lang nicht verwenden."),
        ("fr", "ou après 30 jours sans utilisation."),
    ],
)
def test_numbers_have_their_plural(flow: Flow, language: str, sentence: str) -> None:
    assert sentence in flow.authorize(scope="openid offline_access", ui_locales=language).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"), [("de", ["Client hinzufügen", "Redirect-URIs"]), ("fr", ["Ajouter", "URI de redirection"])]
)
def test_the_admin_explains_the_members_of_a_client(admin_client: Browser, language: str, words: list[str]) -> None:
    page = admin_client.get(
        "/admin/django_oauth_server/client/add/", {"kind": "web"}, headers={"Accept-Language": language}
    )
    assert all(word in page.content.decode() for word in words)


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "words"), [("de", "die neuesten 1000 Treffer"), ("fr", "les 1000 résultats")])
def test_the_admin_waits_with_its_words_until_the_language_is_known(
    admin_client: Browser, language: str, words: str
) -> None:
    page = admin_client.get("/admin/django_oauth_server/token/", headers={"Accept-Language": language})
    assert words in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "words"), [("de", "0 abgelaufene Tokens"), ("fr", "0 jetons expirés")])
def test_commands_speak_the_language_that_is_active(language: str, words: str) -> None:
    written = StringIO()
    with translation.override(language):
        call_command("cleartokens", stdout=written)
    assert words in written.getvalue()


@pytest.mark.parametrize(("language", "words"), [("de", "Geprüfte Routen: 0."), ("fr", "Aucune route ouverte.")])
def test_the_resource_server_brings_its_own_translations(language: str, words: str) -> None:
    written = StringIO()
    with translation.override(language):
        call_command("protection", "--prefix", "/nowhere", stdout=written)
    assert words in written.getvalue()


@pytest.mark.django_db
@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("/oauth/register", '{"redirect_uris": ["http://a.example/#x"], "token_endpoint_auth_method": "x"}', "json"),
        ("/oauth/register", '{"redirect_uris": ["https://a.example/"], "jwks": 1}', "json"),
        ("/oauth/register", '{"redirect_uris": 7}', "json"),
        ("/oauth/token", "grant_type=unknown", "x-www-form-urlencoded"),
    ],
)
def test_what_is_told_to_clients_stays_english(language: str, path: str, body: str, content_type: str) -> None:
    def told(spoken: str) -> str:
        headers = {"Accept-Language": spoken}
        answer = Browser().post(path, body, content_type=f"application/{content_type}", headers=headers)
        assert answer.status_code == 400 or answer.status_code == 401
        return answer.json()["error_description"]

    assert told(language) == told("en") and told(language).isascii()


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_client_is_told_at_its_redirect_uri_stays_english(flow: Flow, language: str) -> None:
    answer = flow.authorize(scope="unknown", ui_locales=language)["Location"]
    assert answer == flow.authorize(scope="unknown", ui_locales="en")["Location"] and "error_description" in answer


@pytest.mark.django_db
def test_an_app_is_called_by_the_name_that_it_has_in_the_language_of_the_page(browser: Browser) -> None:
    named = ClientFactory(metadata__client_name="Notebook", **{"metadata__client_name#de": "Notizbuch"})
    assert "Notizbuch" in Flow(named, browser).authorize(scope="openid", ui_locales="de").content.decode()
