"""A person is spoken to in a language that the client names, where the project speaks it (`ui_locales`)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests.flow import Flow

pytestmark = pytest.mark.django_db


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize(
    ("ui_locales", "language"), [("de", "de"), ("xx pt-BR en", "pt-br"), ("fr-CH", "fr"), ("xx", "en")]
)
def test_the_first_language_that_is_spoken_here(flow: Flow, ui_locales: str, language: str) -> None:
    page = flow.authorize(scope="openid", ui_locales=ui_locales)
    assert f'<html lang="{language}"' in page.content.decode()


def test_the_sign_in_page_is_told_until_the_browser_is_closed(flow: Flow) -> None:
    cookie = flow.authorize(scope="openid", ui_locales="de").cookies["django_language"]
    assert cookie.value == "de" and cookie["max-age"] == cookie["expires"] == ""


def test_what_a_person_has_chosen_stays(flow: Flow) -> None:
    flow.browser.cookies["django_language"] = "fr"
    page = flow.authorize(scope="openid", ui_locales="de")
    assert '<html lang="de"' in page.content.decode()
    assert "django_language" not in page.cookies


def test_the_language_is_this_requests_alone(flow: Flow) -> None:
    flow.authorize(scope="openid", ui_locales="ar")
    flow.browser.cookies.pop("django_language")
    page = flow.authorize(scope="openid")
    assert '<html lang="en" dir="ltr">' in page.content.decode()


@pytest.mark.spec("OpenID Connect Discovery", "3")
@pytest.mark.parametrize(
    ("languages", "spoken"),
    [
        (["fr", "de", "en"], ["fr", "de", "en"]),
        (["de-at", "en-gb", "pt-br", "es"], ["de-AT", "en-GB"]),
        (["ar"], None),
    ],
)
def test_the_projects_languages_that_have_a_catalogue_are_advertised(
    settings: Any, languages: list[str], spoken: list[str] | None, django_assert_num_queries: Any
) -> None:
    settings.LANGUAGES = [(code, code) for code in languages]
    with django_assert_num_queries(0):
        document = Browser().get("/.well-known/openid-configuration").json()
    assert document.get("ui_locales_supported") == spoken


def test_none_is_advertised_where_nothing_is_translated(settings: Any) -> None:
    settings.USE_I18N = False
    assert "ui_locales_supported" not in Browser().get("/.well-known/openid-configuration").json()
