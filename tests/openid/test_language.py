"""A person is spoken to in a language that the client names, where the project speaks it (`ui_locales`)."""

from __future__ import annotations

import pytest

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
