"""Where the server that stood here before was reached: clients have these addresses, from its documentation or its metadata."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Address:
    """An endpoint of ours where it was before."""

    route: str
    """Below the path at which the project includes the URLs."""
    name: str
    """The name that the URL had."""
    endpoint: str
    """The name of the endpoint here that answers."""
    view: str = ""
    """Dotted path of another view than the endpoint's, where callers expect another answer than it gives. Metadata name the endpoint then."""
    slash: bool = False
    """Whether it may end in a slash as well."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """All of one server."""

    app: str
    """Its Django app, by name. While it is installed, it can take over again."""
    app_name: str
    """The application namespace of its URLs."""
    urlconf: str
    """The URLconf that serves them, by dotted path."""
    each: tuple[Address, ...]

    def name_of(self, endpoint: str) -> str | None:
        """The URL name at which *endpoint* of ours was, and gives the same answers."""
        names = (f"{self.app_name}:{one.name}" for one in self.each if one.endpoint == endpoint and not one.view)
        return next(names, None)

    def path(self) -> str | None:
        """The path at which the project includes them, without a slash behind. None: it does not."""
        first = self.each[0]
        try:
            return reverse(f"{self.app_name}:{first.name}").removesuffix(f"/{first.route}")
        except NoReverseMatch:
            return None
