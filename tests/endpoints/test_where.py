"""Where the endpoints are: below a path, on several hosts, and in a project where everybody has to sign in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from cProfile import Profile
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.test import RequestFactory
from django.urls import Resolver404, clear_url_caches, include, re_path, resolve, reverse, set_urlconf
from django.urls import path as route
from django.urls.base import set_script_prefix

from django_oauth_server.component import Component, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.registry import default_issuer, issuer_meant
from tests.factories import ClientFactory
from tests.flow import Flow

LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def _forget_urls() -> None:
    for name in ("django_oauth_server.urls", "tests.urls"):
        sys.modules.pop(name, None)
    clear_url_caches()
    set_urlconf(None)


@pytest.fixture
def project(settings: Any) -> Iterator[Callable[..., None]]:
    """Set up the project anew: its issuers, and where it is mounted."""

    def set_up(*issuers: str, mount: str = "", **changes: object) -> None:
        made = [settings.OAUTH_SERVER | {"issuer": issuer} | changes for issuer in issuers]
        settings.OAUTH_SERVER = made if len(made) > 1 else made[0]
        set_script_prefix(f"{mount}/")
        _forget_urls()

    yield set_up
    set_script_prefix("/")
    _forget_urls()


def said() -> dict[str, str]:
    return {str(one.id): f"{one.msg} {one.hint}" for one in run_checks(include_deployment_checks=True)}


class Additional(Component):
    """An endpoint of a deployment's own, which programs call."""

    name = "additional"
    endpoints = (
        Endpoint("additional", "oauth/additional", "django_oauth_server.endpoints.metadata.metadata"),
        Endpoint("async", "oauth/async", "tests.endpoints.test_where.answer_async"),
    )


async def answer_async(http: Any, issuer: Any) -> Any:
    from django.http import JsonResponse

    return JsonResponse({"issuer": str(issuer)})


@pytest.mark.spec("RFC 8414", "3.1")
@pytest.mark.parametrize("path", ["", "/tenant"])
def test_a_mounted_project_has_the_path_once(project: Callable[..., None], db: None, path: str) -> None:
    project(f"https://as.example/sub{path}", mount="/sub")
    document = Browser().get(f"{path}/.well-known/oauth-authorization-server").json()
    assert document["issuer"] == f"https://as.example/sub{path}"
    assert document["token_endpoint"] == f"https://as.example/sub{path}/oauth/token"
    assert Browser().get(f"{path}/oauth/jwks").status_code == 200
    assert reverse("oauth_server:connected_apps") == f"/sub{path}/oauth/connected-apps/"


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_a_well_known_address_of_the_hosts_root_may_be_handed_over(project: Callable[..., None], name: str) -> None:
    project("https://as.example/sub", mount="/sub")
    assert Browser().get(f"/.well-known/{name}/sub").status_code == 200


def test_the_checks_of_a_mounted_project_have_nothing_to_say(project: Callable[..., None]) -> None:
    project("https://as.example/sub", mount="/sub")
    assert not {"oauth_server.E004", "oauth_resource.E003"} & set(said())


def test_an_issuer_elsewhere_than_the_mount_is_told_what_to_say(project: Callable[..., None]) -> None:
    project("https://as.example", mount="/sub")
    assert 'Set "issuer" to "https://as.example/sub".' in said()["oauth_server.E004"]


def test_a_mount_that_is_written_without_its_slash_is_told_what_to_say(project: Callable[..., None]) -> None:
    project("https://as.example/sub", mount="sub")
    assert 'with a slash: "/sub"' in said()["oauth_server.E004"]


def _spa(http: HttpRequest) -> HttpResponse:
    return HttpResponse("<div id=app>")


ENDPOINTS = route("", include("django_oauth_server.urls"))


@pytest.mark.spec("RFC 8414", "3.1")
@pytest.mark.parametrize(
    ("urls", "found"),
    [
        ([ENDPOINTS], set()),
        ([ENDPOINTS, re_path("^.*$", _spa)], set()),
        ([re_path("^.*$", _spa), ENDPOINTS], {"oauth_server.W013"}),
        ([route("sso/", include("django_oauth_server.urls"))], {"oauth_server.E004", "oauth_resource.E003"}),
        (i18n_patterns(ENDPOINTS), {"oauth_server.E004", "oauth_resource.E003"}),
        (i18n_patterns(ENDPOINTS, prefix_default_language=False), {"oauth_server.E004", "oauth_resource.E003"}),
    ],
    ids=["alone", "before the rest", "behind the rest", "below a path", "by language", "by language but the default"],
)
def test_endpoints_that_no_client_finds_are_found(settings: Any, urls: list[Any], found: set[str]) -> None:
    settings.ROOT_URLCONF = tuple(urls)
    everything = {"oauth_server.E004", "oauth_server.E005", "oauth_server.W013", "oauth_resource.E003"}
    told = said()
    assert everything & set(told) == found
    assert "i18n_patterns" in told.get("oauth_server.E004", "i18n_patterns")


@pytest.mark.parametrize(
    ("page", "warned"), [("/accounts/login/", True), ("/sub/accounts/login/", False), ("login", False)]
)
def test_a_sign_in_page_outside_the_mount_is_found(
    project: Callable[..., None], settings: Any, page: str, warned: bool
) -> None:
    project("https://as.example/sub", mount="/sub")
    settings.LOGIN_URL = page
    assert ("oauth_server.W011" in said()) is warned


@pytest.mark.spec("RFC 9728", "5.1")
def test_the_metadata_of_a_resource_below_the_mount_is_found_there(project: Callable[..., None]) -> None:
    from django_oauth_server.resource.locations import metadata_url

    project("https://as.example/sub", mount="/sub")
    assert metadata_url("https://as.example/sub") == "https://as.example/sub/.well-known/oauth-protected-resource"
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/sub"):
        assert Browser().get(path).json()["resource"] == "https://as.example/sub"


def test_the_host_says_which_of_two_issuers_is_meant(project: Callable[..., None], db: None) -> None:
    project("https://as.example", "https://other.example:8443")
    for issuer in ("https://as.example", "https://other.example:8443"):
        for host in {issuer.removeprefix("https://"), issuer.removeprefix("https://").partition(":")[0]}:
            told = Browser(headers={"Host": host}).get("/.well-known/oauth-authorization-server").json()
            assert (told["issuer"], told["token_endpoint"]) == (issuer, f"{issuer}/oauth/token")
    assert Browser(headers={"Host": "third.example"}).get("/.well-known/oauth-authorization-server").status_code == 404


@pytest.mark.parametrize("several", ["https://as{}.example", "https://as.example/{}"], ids=["hosts", "paths"])
def test_among_thirty_issuers_one_is_found_as_fast_as_alone(project: Callable[..., None], several: str) -> None:
    issuers = [several.format(number) for number in range(30)]
    project(issuers[29])
    alone = _calls(lambda: _found(issuers[29]))
    project(*issuers)
    assert _found(issuers[29]) == issuers[29]
    assert _calls(lambda: _found(issuers[29])) <= alone + 20  # whose host it is, where the host decides


def _found(issuer: str) -> str:
    """The issuer that a request to one of the URLs of *issuer* finds."""
    parts = urlsplit(issuer)
    request = RequestFactory(headers={"Host": parts.netloc}).get(f"{parts.path}/oauth/jwks")
    return str(issuer_meant(resolve(request.path).namespace, request))


def _calls(work: Callable[[], object]) -> int:
    """Of Python functions, once all is known that is worked out once."""
    work()
    profile = Profile(builtins=False)
    profile.runcall(work)
    return sum(one.callcount for one in profile.getstats())


def test_a_project_below_thirty_issuers_pays_for_none_of_them(project: Callable[..., None]) -> None:
    def elsewhere() -> None:
        with pytest.raises(Resolver404):
            resolve("/somewhere/else")

    project("https://as.example/t/0")
    alone = _calls(elsewhere)
    project(*(f"https://as.example/t/{number}" for number in range(30)))
    assert _calls(elsewhere) == alone


def test_what_only_one_of_two_issuers_offers_is_not_found_at_the_other(
    project: Callable[..., None], settings: Any, db: None
) -> None:
    project("https://as.example", "https://other.example")
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER[0], settings.OAUTH_SERVER[1] | {"registration": "off"}]
    _forget_urls()
    for host, status in (("as.example", 400), ("other.example", 404)):
        assert Browser(headers={"Host": host}).post("/oauth/register").status_code == status


def test_a_component_says_by_a_setting_where_its_endpoint_is(project: Callable[..., None], settings: Any) -> None:
    project("https://as.example/path", components=("tests.endpoints.test_where.Moved",), name="hidden")
    assert default_issuer().url("moved") == "https://as.example/path/hidden/here"
    assert Browser().get("/path/hidden/here").status_code == 200


def test_two_issuers_that_no_request_tells_apart(project: Callable[..., None]) -> None:
    project("https://localhost", "http://localhost")
    assert "differ only in their scheme" in said()["oauth_server.E011"]


def test_where_everybody_has_to_sign_in_programs_do_not(
    project: Callable[..., None], settings: Any, browser: Browser
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    project("https://as.example", components=("tests.endpoints.test_where.Additional",))
    flow = Flow(ClientFactory(), browser)
    tokens = flow.tokens(scope="openid notes:read")
    assert flow.userinfo(tokens["access_token"])["sub"] == str(get_user_model().objects.get().pk)
    for path in ("/.well-known/oauth-protected-resource", "/oauth/additional", "/oauth/async", "/oauth/check-session"):
        assert Browser().get(path).status_code == 200, path
    assert Browser().get("/oauth/connected-apps/")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(("zone", "warned"), [("Europe/Berlin", True), ("UTC", False), ("Asia/Tokyo", False)])
def test_clocks_that_change_without_a_time_zone(settings: Any, zone: str, warned: bool) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    assert ("oauth_server.W009" in said()) is warned


class Moved(Component):
    """Has its endpoint where a setting says."""

    name = "moved"
    endpoints = (Endpoint("moved", "moved", "django_oauth_server.endpoints.metadata.metadata"),)

    def located(self, settings: IssuerSettings) -> tuple[Endpoint, ...]:
        return (replace(self.endpoints[0], route=f"{settings.name}/here"),)


class FromReplica:
    """A router as the documentation of Django has it."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"


def test_a_router_that_reads_from_a_replica(settings: Any) -> None:
    assert "oauth_server.W010" not in said()
    settings.DATABASE_ROUTERS = ["tests.endpoints.test_where.FromReplica"]
    assert "from 'replica'" in said()["oauth_server.W010"]
