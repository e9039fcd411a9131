"""What is read from a URLconf, framework by framework."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.urls import clear_url_caches, path, re_path

from django_oauth_server.resource.middleware import ProtectedPrefixMiddleware
from django_oauth_server.resource.requirement import requires
from django_oauth_server.resource.routes.base import Route, routes
from tests.resource.everything_urls import plain
from tests.resource.test_middleware import MIDDLEWARE
from tests.waiting import PATIENCE

pytestmark = pytest.mark.urls("tests.resource.everything_urls")


def told(prefix: str) -> list[tuple[str, str, str]]:
    """Method, path and words; OPEN or UNKNOWN where there are none."""
    return [
        (
            ",".join(route.methods) or "ANY",
            route.path.removeprefix(prefix),
            route.words or ("UNKNOWN" if route.is_unknown else "OPEN"),
        )
        for route in routes()
        if route.path.startswith(prefix)
    ]


def test_plain_views():
    assert told("/pages/") == [
        ("ANY", "*anywhere", "OPEN"),
        ("ANY", "archive/<year>/", "OPEN"),
        ("GET,POST", "by-address/<scope>", "decided at run time"),
        ("GET", "by-method", "notes:read"),
        ("POST", "by-method", "notes:write"),
        ("ANY", "careless", "OPEN"),
        ("GET", "decorated", "login_required"),
        ("GET", "function", "notes:read"),
        ("ANY", "health", "OPEN"),
        ("GET", "hidden", "notes:read"),
        ("ANY", "lucky", "OPEN"),
        ("ANY", "mail", "for https://api.example/mail & mail:read"),
        ("GET,POST", "notes/<pk>/<part>", "notes:read | admin"),
        ("ANY", "partial", "OPEN"),
        ("ANY", "permitted", "permission_required"),
        ("ANY", "plain", "OPEN"),
        ("ANY", "several", "notes:read & notes:write & login_required"),
        ("ANY", "signed-in", "login_required"),
        ("GET", "signed-in-class", "LoginRequiredMixin"),
        ("ANY", "staff", "staff_member_required"),
        ("ANY", "translated/", "OPEN"),
        ("ANY", "v1.0/xy", "OPEN"),
        ("ANY", "welcome", "OPEN"),
        ("GET", "wrapped", "notes:read"),
    ]


def test_rest_framework_views():
    without_formats = [row for row in told("/api/") if "format" not in row[1]]
    assert without_formats == [
        ("GET", "", "OPEN"),
        ("GET,POST", "both", "(notes:read | admin) & IsAuthenticated"),
        ("GET", "by-code/", "IsAuthenticated"),
        ("POST", "by-code/", "notes:write"),
        ("DELETE", "by-code/<pk>/", "UNKNOWN"),
        ("GET,PUT", "by-code/<pk>/", "IsAuthenticated"),
        ("POST", "by-code/<pk>/share/", "IsAuthenticated"),
        ("GET,POST", "default", "OPEN"),
        ("GET,POST", "mixed", "(notes:read | IsAdminUser) & IsAuthenticated"),
        ("GET,POST", "not-staff", "OPEN"),
        ("GET", "notes/", "notes:read"),
        ("POST", "notes/", "notes:write"),
        ("DELETE,PUT", "notes/<pk>/", "notes:write"),
        ("GET", "notes/<pk>/", "notes:read"),
        ("POST", "notes/<pk>/share/", "notes:share & IsAuthenticated"),
        ("GET,POST", "nothing", "OPEN"),
        ("GET,POST", "open", "OPEN"),
        ("GET,POST", "opened", "OPEN"),
        ("GET,POST", "own-objects", "OPEN"),
        ("GET,POST", "owner", "UNKNOWN"),
        ("GET", "read-only", "OPEN"),
        ("POST", "read-only", "IsAuthenticatedOrReadOnly"),
        ("GET,POST", "signed-in", "login_required"),
        ("GET,POST", "suffixed", "notes:read"),
        ("GET", "their-read-only", "OPEN"),
        ("POST", "their-read-only", "IsAuthenticated | ReadOnly"),
        ("GET", "without-authentication", "notes:read"),
        ("POST", "without-authentication", "nobody"),
    ]


def test_paths_with_a_format_are_routes_too():
    assert ("GET,POST", "suffixed<format>", "notes:read") in told("/api/")
    assert ("POST", "notes.<format>/", "notes:write") in told("/api/")


def test_ninja_operations():
    assert told("/ninja/") == [
        ("ANY", "", "OPEN"),
        ("GET", "closed/session", "SessionAuth"),
        ("GET", "either/<pk>", "notes:read | SessionAuth"),
        ("GET", "notes", "notes:read"),
        ("POST", "notes", "notes:write"),
        ("GET", "open", "OPEN"),
        ("ANY", "openapi.json", "OPEN"),
    ]


def test_nested_includes_and_languages():
    assert told("/nested/") == [("ANY", "<tenant>/deep/plain", "OPEN")]
    assert ("ANY", "<language>/here/", "OPEN") in told("/")


def test_of_the_admin_site_the_sign_in_page_alone_is_open():
    assert [row for row in told("/admin/") if row[2] != "staff (admin site)"] == [("ANY", "login/", "OPEN")]


def test_endpoints_of_the_protocol_are_not_called_open():
    assert all(words in {"what its specification says", "login_required"} for _, _, words in told("/oauth/"))
    assert all(words == "what its specification says" for _, _, words in told("/.well-known/"))


def one(path: str, method: str = "") -> Route:
    (found,) = [route for route in routes() if route.path == path and (not method or method in route.methods)]
    return found


def test_a_route_carries_the_requirement_itself():
    assert one("/pages/function").requirement == requires("notes:read")
    assert one("/pages/several").requirement.scopes == {"notes:read", "notes:write"}
    assert one("/api/mixed").requirement == requires("notes:read")
    assert one("/ninja/notes", "POST").requirement == requires("notes:write")
    assert one("/pages/plain").requirement is None
    assert one("/api/opened").requirement is None


@pytest.mark.parametrize(
    "path, view",
    [
        ("/pages/partial", "plain"),
        ("/pages/notes/<pk>/<part>", "Notes"),
        ("/api/suffixed", "Bearer"),
        ("/ninja/open", "anybody"),
    ],
)
def test_a_view_is_named_as_the_code_names_it(path, view):
    assert one(path).view == f"tests.resource.everything_urls.{view}"


def test_a_function_made_a_rest_view_keeps_its_name():
    assert one("/api/without-authentication", "GET").view.endswith(".without_authentication")


def test_a_view_that_no_token_can_reach_is_told():
    assert one("/api/without-authentication", "GET").note == "no token gets in: it lacks BearerAuthentication"
    assert one("/api/mixed").note == ""


@pytest.fixture
def prefixes(settings):
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {
        "protected_prefixes": {"/pages/": None, "/api/": requires("api"), "/ninja/": requires("notes:read")}
    }


def test_a_prefix_protects_what_is_below_it(prefixes):
    below = {path: words for _, path, words in told("/pages/")}
    assert below["plain"] == below["archive/<year>/"] == below["translated/"] == "any good token"
    assert below["function"] == "notes:read"
    assert below["signed-in"] == "any good token & login_required"
    assert one("/pages/plain").mechanism == "middleware"
    assert one("/pages/function").mechanism == "Django, middleware"
    assert one("/api/open").words == "api"
    assert one("/api/notes/", "POST").requirement == requires("api") & requires("notes:write")
    assert one("/api/both").words == "api & (notes:read | admin) & IsAuthenticated"
    assert one("/ninja/notes", "GET").words == "notes:read"


def test_a_prefix_does_not_protect_what_says_that_it_is_open(prefixes):
    health = one("/pages/health")
    assert (health.is_open, health.on_purpose) == (True, True)


def test_what_is_found_anywhere_is_under_no_prefix(prefixes):
    """A pattern without an anchor: `/pages/` is not all that may stand before it."""
    assert one("/nested/<tenant>/deep/plain").is_open
    assert not one("/pages/*anywhere").is_open  # below an include that is anchored


@pytest.mark.parametrize(
    "pattern, is_protected",
    [
        (path("api/", plain), True),
        (path("api", plain), True),
        (path("api/<path:rest>", plain), True),
        (path("api<rest>", plain), False),
        (path("<part>/api/", plain), False),
        (path("apiary", plain), False),
        (re_path(r"^api/", plain), True),
        (re_path(r"^api", plain), False),
        (re_path(r"^api$", plain), True),
        (re_path(r"api/$", plain), True),
        (re_path(r"api/", plain), False),
        (re_path(r"^api/?$", plain), False),
        (re_path(r"^api/v[12]\.0/(a|b)$", plain), True),
        (re_path(r"^api/a|b", plain), False),
        (re_path(r"^(?:api|other)/x$", plain), False),
        (re_path(r"^(api/)?x$", plain), False),
        (re_path(r"^api\.v1/$", plain), False),
    ],
    ids=str,
)
def test_a_path_is_protected_where_each_of_its_addresses_is(settings, pattern, is_protected):
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/api/": None}}
    settings.ROOT_URLCONF = (pattern,)
    clear_url_caches()
    (found,) = routes()
    assert found.is_open is not is_protected


def test_where_everybody_signs_in_a_view_is_not_open(settings):
    settings.MIDDLEWARE = [*MIDDLEWARE[:-1], "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert one("/pages/plain").words == "LoginRequiredMiddleware"
    assert one("/pages/welcome").is_open
    assert one("/api/open").is_open


def test_a_middleware_derived_from_ours_is_ours(settings):
    settings.MIDDLEWARE = ["tests.resource.test_routes.Stricter", "tests.resource.test_routes.by_function"]
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/pages/": None}}
    assert one("/pages/plain").words == "any good token"


def by_function(get_response):
    return get_response


class Stricter(ProtectedPrefixMiddleware):
    pass


def test_a_framework_that_nothing_imported_is_not_imported():
    code = (
        "from tests.resource.alone import urlpatterns\n"
        "import sys\n"
        "from django_oauth_server.resource.routes.base import routes\n"
        "assert [route.words for route in routes()] == ['notes:read']\n"
        "assert not {'rest_framework', 'ninja', 'django.contrib.auth.models'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
