"""An ASGI application as a Django view: the URLconf names it, and whatever protects views protects it."""

from __future__ import annotations

from asyncio import (
    AbstractEventLoop,
    CancelledError,
    Event,
    Future,
    Queue,
    QueueEmpty,
    Task,
    TimerHandle,
    get_running_loop,
    shield,
    timeout,
)
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.admission import admitted_by, is_still_good
from django_oauth_server.resource.connections import Admission, is_served, let_go
from django_oauth_server.resource.occasionally import OccasionallyEach
from django_oauth_server.resource.threads import (
    context_with_thread,
    context_without_thread,
    thread_of_application,
)
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.written_cookies import add_cookie

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApplication: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
"""What the ASGI specification calls an application, version 3."""
ASGIView: TypeAlias = Callable[..., Awaitable[HttpResponseBase]]

_NAMES: Final = ("__module__", "__name__", "__qualname__", "__doc__")
_CHUNK: Final = 64 * 1024
_VERSION: Final = {"version": "3.0", "spec_version": "2.3"}
_ENDED: Final[Message] = {"type": "ended"}
"""In place of a further message: the application has returned."""
_OF_THE_CONNECTION: Final = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
"""Headers that are not the application's to send (RFC 9110 section 7.6.1); HTTP/2 forbids them (RFC 9113 section 8.2.2)."""
JUDGED_ANEW: Final = 10.0
"""Seconds after which the token of a response that is still streamed is verified and judged again."""
NOT_UNDER_WSGI: Final = "This address is served under ASGI only."

logger = get_log("django_oauth_server.resource")
_may_say: Final = OccasionallyEach(timedelta(minutes=1))
_at_work: Final[set[Task[None]]] = set()
"""The event loop itself keeps no task alive, and an application may work on after its response."""


def asgi_view(make_app: Callable[[], ASGIApplication]) -> ASGIView:
    """A view that hands each request to the application that *make_app* makes.

    The application is made once for each event loop, since what it starts belongs to that loop: its lifespan begins before the first request, and
    ends with the loop. It is mounted at the view's address and sees the path `/`. What the view knows of the caller is in its scope, where
    Starlette's requests find it: `auth` (the `VerifiedToken`), `user`, and the arguments of the URL as `path_params`.
    """
    lifespans: dict[AbstractEventLoop, Task[_Lifespan]] = {}

    async def view(request: HttpRequest, **path_params: object) -> HttpResponseBase:
        if not isinstance(request, ASGIRequest):
            return _not_under_wsgi(request)
        lifespan = await _lifespan_of(get_running_loop(), lifespans, make_app)
        scope = {**await _scope(request), "state": lifespan.state.copy(), "path_params": path_params}
        is_free = await sync_to_async(let_go)()
        return await _Exchange(request, scope, is_free=is_free).answer(lifespan.app)

    for alias in connections:  # Django opens no transaction around what runs in the event loop (ATOMIC_REQUESTS)
        transaction.non_atomic_requests(using=alias)(view)
    for name in _NAMES:  # and not `__wrapped__`: what makes the application is no view
        setattr(view, name, getattr(make_app, name, None) or getattr(view, name))
    return view


def _not_under_wsgi(request: HttpRequest) -> HttpResponse:
    """An event loop for each request would end whatever the application started with it."""
    if _may_say(request.path):
        logger.error("%s hands its requests to an ASGI application, and this process serves WSGI", request.path)
    return HttpResponse(NOT_UNDER_WSGI, status=501, content_type="text/plain; charset=utf-8")


async def _scope(request: ASGIRequest) -> dict[str, Any]:
    """That of the request, mounted at its address. The user is fetched here: the application runs in the event loop.

    Of what the server offers beyond requests and responses, such as sending a file by its path, nothing goes through Django.
    """
    mounted = request.path.rstrip("/")
    path = f"{mounted}/"
    address = {"root_path": mounted, "path": path, "raw_path": quote(path).encode()}
    scope = {**request.scope, **address, "asgi": _VERSION, "extensions": {}}
    token = _token(request)
    if token is None:
        return scope
    with Admission():
        return {**scope, "auth": token, "user": await request.auser()}


def _token(request: HttpRequest) -> VerifiedToken | None:
    token = getattr(request, "auth", None)
    return token if isinstance(token, VerifiedToken) else None


@dataclass(frozen=True, slots=True)
class _Lifespan:
    """An application at work in one event loop."""

    app: ASGIApplication
    state: dict[str, Any]
    task: Task[bool]


async def _lifespan_of(
    loop: AbstractEventLoop,
    lifespans: dict[AbstractEventLoop, Task[_Lifespan]],
    make_app: Callable[[], ASGIApplication],
) -> _Lifespan:
    """The one of *loop*, begun by whoever comes first; the others wait. One that could not begin, or has failed since, is begun anew."""
    beginning = lifespans.get(loop)
    if beginning is None or _has_failed_since(beginning):
        for closed in [one for one in list(lifespans) if one.is_closed()]:
            del lifespans[closed]
        beginning = lifespans[loop] = loop.create_task(_begin(make_app()), context=Context())  # no request's context
    try:
        return await shield(beginning)
    except Exception:
        if lifespans.get(loop) is beginning:
            del lifespans[loop]
        raise


def _has_failed_since(beginning: Task[_Lifespan]) -> bool:
    if not beginning.done() or beginning.cancelled() or beginning.exception():
        return False
    life = beginning.result().task
    return life.done() and not life.cancelled() and life.result()


async def _begin(app: ASGIApplication) -> _Lifespan:
    """Raises RuntimeError where the application says that it cannot start."""
    loop = get_running_loop()
    state: dict[str, Any] = {}
    begun: Future[None] = loop.create_future()
    task = loop.create_task(_live(app, state, begun))
    await begun
    return _Lifespan(app, state, task)


async def _live(app: ASGIApplication, state: dict[str, Any], begun: Future[None]) -> bool:
    """The lifespan protocol of ASGI. An application that does not speak it is served without (section "Lifespan").

    Returns whether it ended in an error after it had begun.
    """
    messages = iter(({"type": "lifespan.startup"},))

    async def receive() -> Message:
        for message in messages:
            return message
        try:
            await Event().wait()
        except CancelledError:  # by a loop that ends: this is how the application learns of it
            return {"type": "lifespan.shutdown"}
        raise AssertionError("nobody sets the event")

    async def send(message: Message) -> None:
        if begun.done():
            return
        if message["type"] == "lifespan.startup.failed":
            begun.set_exception(RuntimeError(f"The ASGI application cannot start: {message.get('message', '')}"))
        elif message["type"] == "lifespan.startup.complete":
            begun.set_result(None)

    try:
        await app({"type": "lifespan", "asgi": _VERSION, "state": state}, receive, send)
    except Exception:
        if begun.done() and not begun.exception():
            logger.exception("the lifespan of an ASGI application ended in an error")
            return True
    finally:
        if not begun.done():
            begun.set_result(None)
    return False


class _Exchange:
    """One request given to an application, and its response."""

    def __init__(self, request: ASGIRequest, scope: dict[str, Any], *, is_free: bool) -> None:
        """*is_free*: whether the thread has no connection to the database. Another thread would not see what is set on it, nor the transaction in
        it."""
        self._request = request
        self._scope = scope
        self._loop = get_running_loop()
        # The start and the whole of a short body. With more, the application waits for whoever reads.
        self._messages: Queue[Message] = Queue(2)
        self._is_read = False
        self._is_over = Event()
        self._has_expired = False
        self._failure: Exception | None = None
        self._timer: TimerHandle | None = None
        self._is_tested = not is_free and not is_served()
        self._thread = thread_of_application(is_free=is_free)

    async def answer(self, app: ASGIApplication) -> HttpResponseBase:
        """The response, as soon as the application has begun it."""
        context = copy_context() if self._thread is None else context_with_thread(self._thread)
        self._task = self._begin(self._loop.create_task(self._run(app), context=context))
        try:
            start = await self._messages.get()
            if start is _ENDED:
                raise self._failure or RuntimeError("The ASGI application sent no response.")
            return self._response(start)
        except BaseException:
            self._leave()
            raise

    def _begin(self, task: Task[None]) -> Task[None]:
        _at_work.add(task)
        task.add_done_callback(_at_work.discard)
        return task

    async def _run(self, app: ASGIApplication) -> None:
        try:
            await app(self._scope, self._receive, self._send)
        except Exception as exc:
            if self._is_over.is_set():
                logger.exception("an ASGI application failed after its response")
            self._failure = exc
        except BaseException:  # cancelled, by whoever has gone or from within
            self._cut_short()
            raise
        finally:
            if self._thread is not None:
                await self._thread.leave()
        if not self._is_over.is_set():
            await self._messages.put(_ENDED)

    def _cut_short(self) -> None:
        """Nobody waits for what does not come any more. What was sent and not read is lost, so that the end never waits for room."""
        while not self._messages.empty():
            self._messages.get_nowait()
        self._messages.put_nowait(_ENDED)

    async def _receive(self) -> Message:
        if not self._is_read:
            chunk = self._request.read(_CHUNK)
            self._is_read = len(chunk) < _CHUNK
            return {"type": "http.request", "body": chunk, "more_body": not self._is_read}
        await self._is_over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._is_over.is_set() or message["type"] not in {"http.response.start", "http.response.body"}:
            return
        await self._messages.put(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._is_over.set()

    def _response(self, start: Message) -> HttpResponseBase:
        """One that is complete already is sent in one piece. A stream goes out as it comes: a middleware that compresses would hold it back."""
        first = self._next_at_hand()
        if first not in (None, _ENDED) and not first.get("more_body"):
            response: HttpResponseBase = HttpResponse(first.get("body", b""), status=start["status"])
        else:
            self._request.META.pop("HTTP_ACCEPT_ENCODING", None)
            token = _token(self._request) or admitted_by(self._request)
            if token is not None:
                self._limit(token)
            response = StreamingHttpResponse(
                _Rest(self._rest(first), self._leave_from_any_thread), status=start["status"]
            )
        del response["Content-Type"]
        for name, value in _headers(start.get("headers", ())):
            _add(response, name, value)
        self._is_of_events = response.get("Content-Type", "").partition(";")[0].strip().lower() == "text/event-stream"
        return response

    def _next_at_hand(self) -> Message | None:
        try:
            return self._messages.get_nowait()
        except QueueEmpty:
            return None

    async def _rest(self, first: Message | None) -> AsyncIterator[bytes]:
        """What follows, no longer than the token is good: whoever goes on listening to events comes again, with another.

        Raises where any other response ends before it is whole: a server breaks the connection, and whoever reads learns of it.
        """
        try:
            message = first or {"more_body": True}
            while message is not _ENDED:
                yield message.get("body", b"")
                if not message.get("more_body"):
                    return
                message = await self._messages.get()
            if not self._has_expired:
                raise self._failure or RuntimeError("The ASGI application did not end its response.")
            if not self._is_of_events:
                raise RuntimeError("The token is not good any more, and the response not whole.")
        finally:
            self._leave()

    def _limit(self, token: VerifiedToken) -> None:
        """What is streamed lasts no longer than *token* is good. Its expiry waits for no verifier."""
        left = (token.expires_at - datetime.now(UTC)).total_seconds()
        self._timer = self._loop.call_later(left, self._expire)
        context = copy_context() if self._is_tested else context_without_thread()
        self._begin(self._loop.create_task(self._watch(), context=context))

    def _expire(self) -> None:
        """The token is not good any more, whether anybody reads or not. What has been sent whole may still be read."""
        if not self._is_over.is_set():
            self._has_expired = True
            self._leave()
            self._cut_short()

    async def _watch(self) -> None:
        """End what is streamed once its token would open it no more. Streams that began at once are not all judged at once."""
        while not await self._is_over_within(uniform(0.7, 1) * JUDGED_ANEW):  # noqa: S311 - it may be guessed
            if not await self._is_still_good():
                self._expire()

    async def _is_over_within(self, seconds: float) -> bool:
        try:
            async with timeout(seconds):
                return await self._is_over.wait()
        except TimeoutError:
            return False

    async def _is_still_good(self) -> bool:
        async with ThreadSensitiveContext():
            try:
                return await is_still_good(self._request)
            except Exception:
                logger.exception("what is streamed at %s ends: its token cannot be judged", self._request.path)
                return False
            finally:
                await sync_to_async(let_go)()

    def _leave(self) -> None:
        """The caller has gone, or has all of it. Django cancels a view whose caller has gone; so is the application."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_over.is_set():
            self._is_over.set()
            self._task.cancel()

    def _leave_from_any_thread(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._leave)


class _Rest:
    """What is streamed, and how Django says that nobody reads it: a middleware may have answered something else.

    Where the caller has gone before a sync middleware returned, Django drops the response without a word.
    """

    def __init__(self, chunks: AsyncIterator[bytes], close: Callable[[], None]) -> None:
        self._chunks = chunks
        self._close = close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self._close()

    def __del__(self) -> None:
        self._close()


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return [(name, value) for name, value in named if name.lower() not in _OF_THE_CONNECTION]


def _add(response: HttpResponseBase, name: str, value: str) -> None:
    """Several of one name are one list (RFC 9110 section 5.3), but cookies."""
    if name.lower() == "set-cookie":
        add_cookie(response.cookies, value)
    else:
        response[name] = f"{response[name]}, {value}" if response.has_header(name) else value
