"""What every machine-facing endpoint does alike: read a form or JSON, answer JSON, tell errors, let browsers of other origins call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Final, ParamSpec, cast

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseError
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.request import UnreadablePostError
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _
from django.views.debug import get_exception_reporter_filter
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from django_oauth_server.clients.throttling import serving
from django_oauth_server.endpoints.pages import render_page
from django_oauth_server.endpoints.refusal import log_refusal, note_refusal
from django_oauth_server.errors import (
    ContentTooLarge,
    InvalidRequest,
    InvalidToken,
    LengthRequired,
    MethodNotAllowed,
    OAuthError,
    TemporarilyUnavailable,
)
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.protocol.json_object import parse_object
from django_oauth_server.protocol.parameters import MAX_LENGTH, Parameters
from django_oauth_server.resource.challenge import BEARER, NO_CREDENTIALS, Challenge
from django_oauth_server.resource.cross_origin import preflight, sharing
from django_oauth_server.resource.presented import read_token
from django_oauth_server.storage.clients import as_it_is_now
from django_oauth_server.storage.transaction import retry_conflicts

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
View = Callable[..., HttpResponse]
P = ParamSpec("P")

_NOT_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_ENCODER: Final = DjangoJSONEncoder()


def protocol_endpoint(*, cors: bool, methods: tuple[str, ...] = ("POST",)) -> Callable[[Callable[..., Answer]], View]:
    """Make a view of a function that returns an `Answer` or raises an `OAuthError`.

    Conflicts with other writers are retried; an error's aftermath runs after the rollback. *cors*: any origin may call, as no cookie is ever
    looked at, and may read the headers that the issuer's components send.
    """
    named = ", ".join(methods)
    allowed = f"{named}, OPTIONS" if cors else named

    def decorate(answer: Callable[..., Answer]) -> View:
        @csrf_exempt
        @own_transactions
        @unreported
        @wraps(answer)
        def view(http: HttpRequest, issuer: Issuer, **kwargs: str) -> HttpResponse:
            def answered() -> Answer:
                if http.method not in methods:
                    raise MethodNotAllowed(allowed)
                return answer(http, issuer, **kwargs)

            if cors and http.method == "OPTIONS":
                return preflight(http, named, issuer.components.request_headers)
            with serving(http):
                told = _told(answered, http, issuer)
            return _response(told, sharing(issuer.components.response_headers) if cors else _NO_HEADERS)

        return view

    return decorate


def own_transactions(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Make a view that ATOMIC_REQUESTS leaves alone, for whatever database it is set: only who begins a transaction can do it anew."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def unreported(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Make a view whose failure is reported (Django mails it to operators) without what the request held, or any function knew."""
    guarded = sensitive_post_parameters()(sensitive_variables()(view))

    @wraps(guarded)
    def reported(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return guarded(*args, **kwargs)
        except Exception:
            http = cast("HttpRequest", args[0])
            if get_exception_reporter_filter(http).is_active(http):
                _forget_query(http)
            raise

    return reported


def _forget_query(http: HttpRequest) -> None:
    """Of the query keep the names, wherever the server has put it (`RAW_URI`, `REQUEST_URI`); of the page that a form was on, the address."""
    query = http.META.get("QUERY_STRING", "")
    names = "&".join(one.partition("=")[0] for one in query.split("&"))
    for header in [name for name, value in http.META.items() if query and isinstance(value, str) and query in value]:
        http.META[header] = http.META[header].replace(query, names)
    http.META["HTTP_REFERER"] = http.META.get("HTTP_REFERER", "").partition("?")[0]
    vars(http).pop("GET", None)


def patient(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Make a page that is made anew where another writer was in the way, as the protocol endpoints are."""

    @own_transactions
    @wraps(view)
    def retried(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        http = cast("HttpRequest", args[0])
        with serving(http):
            try:
                return retry_conflicts(lambda: view(*args, **kwargs))
            except TemporarilyUnavailable as exc:
                return _unavailable_page(http, exc)

    return retried


def _unavailable_page(http: HttpRequest, exc: TemporarilyUnavailable) -> HttpResponse:
    """Without a word of the project's templates where they ask the database too, as one does that greets people by name."""
    context = {
        "heading": _("Try again in a moment"),
        "explanation": _("This site can’t answer right now. Reload the page in a moment."),
        "reference": log_refusal(exc, http.path),
        "again_url": "",
        "client": None,
        "error": "",
    }
    try:
        response = render_page(http, "oauth_server/error.html", context, status=exc.status)
    except DatabaseError:
        words = f"{context['heading']}\n\n{context['explanation']}\n\n{context['reference']}\n"
        headers = {"Cache-Control": "no-store"}
        response = HttpResponse(words, status=exc.status, content_type="text/plain; charset=utf-8", headers=headers)
    for name, value in exc.headers.items():
        response[name] = value
    return response


def form_parameters(http: HttpRequest) -> Parameters:
    """The parameters of the body; those of the query are not looked at (RFC 6749 section 3.2). Raises `InvalidRequest`."""
    return Parameters.parse(_body(http, FORM))


def json_object(http: HttpRequest) -> dict[str, object]:
    """The JSON object that is the body. Raises `InvalidRequest`."""
    return parse_object(_body(http, JSON))


def bearer_token(http: HttpRequest) -> str:
    """The token of the Authorization header; empty where there is none. Raises `InvalidToken` or `InvalidRequest` where it is malformed."""
    try:
        presented = read_token(http)
    except (SuspiciousOperation, UnreadablePostError) as exc:
        raise InvalidRequest("The request's body is too large or incomplete.", detail=str(exc)) from exc
    if not isinstance(presented, Challenge):
        return presented.token if presented.scheme == BEARER else ""
    if presented is NO_CREDENTIALS:
        return ""
    raise (InvalidToken if presented.status == 401 else InvalidRequest)(presented.description)


def query_parameters(http: HttpRequest) -> Parameters:
    """The parameters of the query. Raises `InvalidRequest`."""
    return Parameters.parse(http.META.get("QUERY_STRING", "").encode("latin-1", "replace"))


def came_from_own_page(http: HttpRequest) -> bool:
    """Whether a form of this server was sent, by the browser that it was made for: what Django's CSRF middleware asks, without its page."""
    judge = _Judge(lambda _: HttpResponse())
    judge.process_request(http)
    return judge.process_view(http, _judged, (), {}) is None


class _Judge(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> HttpResponseForbidden:
        return HttpResponseForbidden()


def _judged(http: HttpRequest) -> HttpResponse:
    """A view that is not exempt."""
    return HttpResponse()


class _OfClient:
    """A part of a request of *client*. A class, as generators take twice as long, and a token request has several such parts."""

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        self.client = client

    def __enter__(self) -> None:
        pass


class refused_to(_OfClient):
    """Whatever is refused in here is written down with the client that asked."""

    __slots__ = ()

    def __exit__(self, kind: object, exc: BaseException | None, traceback: object) -> None:
        if isinstance(exc, OAuthError):
            exc.client_id = self.client.client_id


class judged_as_it_is_now(_OfClient):
    """Whatever is refused in here is not refused because *client* was remembered as it is no more."""

    __slots__ = ()

    def __exit__(self, kind: object, exc: BaseException | None, traceback: object) -> None:
        if isinstance(exc, OAuthError):
            as_it_is_now(self.client)


def _body(http: HttpRequest, content_type: str) -> bytes:
    if http.content_type != content_type:
        raise InvalidRequest(f"The content type must be {content_type}.")
    receive(http)
    try:
        return http.body
    except RequestDataTooBig as exc:
        raise ContentTooLarge("The request's body is too large.", detail=str(exc)) from exc
    except (UnreadablePostError, ValueError) as exc:  # ValueError: Content-Length is no number
        raise InvalidRequest("The request's body is incomplete or has no length.", detail=str(exc)) from exc


def receive(http: HttpRequest) -> None:
    """Take in a body that is sent in chunks (RFC 9112 section 7.1), of which Django reads nothing, as no `Content-Length` says how much.

    Raises `InvalidRequest`; `LengthRequired` where the server does not say that it ends the input itself (`wsgi.input_terminated`).
    """
    is_chunked = "HTTP_TRANSFER_ENCODING" in http.META and not http.META.get("CONTENT_LENGTH")
    if not is_chunked or "wsgi.input" not in http.META or getattr(http, "_body", None):
        return
    if not http.META.get("wsgi.input_terminated"):
        raise LengthRequired("The request's body is sent in chunks, without a Content-Length header.")
    try:
        http._body = http.META["wsgi.input"].read(MAX_LENGTH + 1)
    except Exception as exc:  # a server has errors of its own for what is no chunk, such as gunicorn's InvalidChunkSize
        raise InvalidRequest("The request's body is incomplete.", detail=repr(exc)) from exc


def _told(answer: Callable[[], Answer], http: HttpRequest, issuer: Issuer) -> Answer:
    """What *answer* returns; an `OAuthError` as an answer."""
    try:
        return retry_conflicts(answer)
    except OAuthError as exc:
        return _refusal(_after(exc), http, issuer)


def _after(exc: OAuthError) -> OAuthError:
    """*exc*, once what it calls for is done; that the server is busy, where it could not be done: the client comes again."""
    try:
        if exc.aftermath:
            retry_conflicts(exc.aftermath)
    except TemporarilyUnavailable as busy:
        return busy
    return exc


def _refusal(exc: OAuthError, http: HttpRequest, issuer: Issuer) -> Answer:
    """*exc*, written down, with the reference by which an operator finds it."""
    reference = note_refusal(exc, http, issuer)
    named = {"error_reference": reference} if reference else {}
    headers = _asked_rightly(exc.headers, http)
    return Answer(exc.parameters() | named, exc.status, headers=headers, is_ordinary=exc.is_ordinary)


def _asked_rightly(headers: Mapping[str, str], http: HttpRequest) -> Mapping[str, str]:
    """A client that did not use the Authorization header is not asked for a password by it (RFC 6749 section 5.2): a browser would open a box."""
    if http.headers.get("Authorization", "").strip():
        return headers
    return {name: value for name, value in headers.items() if not value.startswith("Basic ")}


def _response(answer: Answer, further: Mapping[str, str]) -> HttpResponse:
    body = answer.body if answer.members is None else _ENCODER.encode(answer.members).encode()
    kept = answer.headers if "Cache-Control" in answer.headers else {**_NOT_STORED, **answer.headers}
    headers = {**kept, **further} if body is None else {"Content-Type": answer.media_type, **kept, **further}
    response = HttpResponse(body or b"", status=answer.status, headers=headers)
    if body is None:
        del response["Content-Type"]
    if answer.is_ordinary:
        response._has_been_logged = True  # type: ignore[attr-defined]  # by us: Django would warn of a bad request
    return response
