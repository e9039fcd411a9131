"""The form of a client: a field for each member of its metadata (RFC 7591), as the issuer's components have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.clients.facts import chooses_its_scopes
from django_oauth_server.clients.fields import LinesField, ScopeField
from django_oauth_server.clients.kinds import Kind
from django_oauth_server.clients.metadata import choices_of, member_named, members_of, terms_of
from django_oauth_server.clients.registration import check_chosen_client_id, check_first_party, review
from django_oauth_server.component import Member, Purpose, Terms, Words
from django_oauth_server.errors import InvalidClientMetadata, TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.storage.clients import is_taken
from django_oauth_server.tokens.formats.base import TokenFormat

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Client]
else:
    _ModelForm = forms.ModelForm

PURPOSES: Final[Mapping[Purpose, Words]] = {
    "identity": gettext_lazy("Identity"),
    "redirects": gettext_lazy("Redirects"),
    "tokens": gettext_lazy("Tokens"),
    "keys": gettext_lazy("Authentication and keys"),
    "encryption": gettext_lazy("Encryption"),
    "logout": gettext_lazy("Logout"),
    "policy": gettext_lazy("Policy"),
}
"""Headings under which fields are folded away, in their order."""
_OURS: Final[Mapping[str, Purpose]] = {
    "client_id": "identity",
    "owner": "identity",
    "access_token_format": "tokens",
    "access_token_lifetime": "tokens",
    "refresh_token_lifetime": "tokens",
    "skip_consent": "policy",
    "profile": "policy",
}
"""The fields that are no client metadata."""
_NOT_OF_DOCUMENTS: Final = frozenset({"skip_consent", "owner"})
"""Who publishes a document may change it at any time, so people are asked; and whose it is, its host says."""
_CHOSEN: Final = frozenset({"choice", "choices", "scope", "flag"})
"""The kinds of members that say what a client does, from which it follows what it needs."""
_USUAL: Final = ("client_name", "redirect_uris", "scope")
"""What stays unfolded of a client that is of no kind."""


class JSONField(forms.JSONField):
    """As Django's, but what is absent is shown empty."""

    widget = AdminTextareaWidget(attrs={"rows": 6})

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class ClientForm(_ModelForm):
    """Judges by what registration judges by. `metadata` is the document once it is valid."""

    issuer: ClassVar[Issuer]
    kind: ClassVar[Kind | None]
    is_document: ClassVar[bool]
    members: ClassVar[Mapping[str, Member]]

    class Meta:
        help_texts: ClassVar = {
            "skip_consent": gettext_lazy(
                "People are not asked to allow this app. Select this for your own apps only, and never for an app that "
                "another app could impersonate."
            ),
            "access_token_lifetime": gettext_lazy(
                "For example 00:15:00. Leave blank for the lifetime set for the resource or the issuer."
            ),
            "refresh_token_lifetime": gettext_lazy(
                "How long a refresh token may stay unused, for example 30 00:00:00 for 30 days. Leave blank for "
                "the issuer's lifetime."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update(self.instance.metadata if self.instance.pk else self._suggested())
        self.metadata: dict[str, object] = {}
        if client_id := self.fields.get("client_id"):  # of a new client
            client_id.required = False
            client_id.help_text = _("Leave blank to generate one.")
            for name in self.kind.required if self.kind else ():
                self.fields[name].required = True
            if self.kind and "scope" in self.kind.required:
                self.fields["scope"].help_text = _("Scopes this client may request. (scope)")
        elif not self.is_bound:
            self._mark_required()
        if self.instance.pk and "scope" in self.fields and chooses_its_scopes(self.instance, self.issuer):
            self.fields["scope"].help_text = _(
                "This client registered itself. As long as anyone may register, it may ask people for any scope this server "
                "offers, not only for those selected here. The setting allowed_scopes can limit it. (scope)"
            )

    def full_clean(self) -> None:
        super().full_clean()
        self._mark_required()

    def _suggested(self) -> dict[str, object]:
        """What the form of a new client has chosen."""
        follows = self.kind.follows if self.kind else {}
        return {**follows, "scope": " ".join(self.issuer.settings.default_scopes)}

    def _mark_required(self) -> None:
        """For whoever reads the form. Whether something is missing is registration's to judge, by all that was entered."""
        chosen = {name: value for name, value in self.initial.items() if name in self.members}
        chosen = {name: value for name, value in chosen.items() if self.members[name].kind in _CHOSEN}
        for name in review(chosen, terms_of(self.issuer, self.instance.profile), operator=True)[1]:
            if name in self.fields:
                self.fields[name].required = True

    def clean_client_id(self) -> str:
        client_id: str = self.cleaned_data["client_id"]
        if not client_id:
            return ""
        try:
            check_chosen_client_id(client_id)
        except InvalidClientMetadata as exc:
            raise forms.ValidationError(exc.rule) from exc
        if is_taken(self.issuer.settings.issuer, client_id):
            raise forms.ValidationError(_("A client with this ID is already registered."))
        return client_id

    def clean_access_token_lifetime(self) -> timedelta | None:
        return self._some_time("access_token_lifetime")

    def clean_refresh_token_lifetime(self) -> timedelta | None:
        return self._some_time("refresh_token_lifetime")

    def _some_time(self, name: str) -> timedelta | None:
        lifetime: timedelta | None = self.cleaned_data[name]
        if lifetime is not None and lifetime <= timedelta():
            raise forms.ValidationError(_("Enter a duration greater than zero, for example 00:15:00."))
        return lifetime

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        terms = terms_of(self.issuer, cleaned.get("profile") or "")
        if is_described(self.instance):
            self.metadata = dict(self.instance.metadata)
        else:
            self._review(cleaned, terms)
        if cleaned.get("skip_consent") and not self.errors:
            self._check_first_party(terms)
        return cleaned

    def _review(self, cleaned: Mapping[str, Any], terms: Terms) -> None:
        known = self.instance.metadata  # a box that nobody ever ticked says nothing
        document = {
            name: cleaned[name] for name in self.members if cleaned.get(name, False) is not False or name in known
        }
        try:
            self.metadata, refusals = review(
                self._kept() | document, terms, operator=True, before=self.instance.metadata
            )
        except TemporarilyUnavailable as exc:
            raise forms.ValidationError(exc.description) from exc
        for member, rule in refusals.items():
            if member not in self.errors:
                self.add_error(
                    member if member in self.fields else None, rule if member in self.fields else f"{member}: {rule}"
                )

    def _check_first_party(self, terms: Terms) -> None:
        try:
            check_first_party(self.metadata, terms)
        except InvalidClientMetadata as exc:
            self.add_error("skip_consent", exc.rule)

    def _kept(self) -> dict[str, object]:
        """Members that the form has no field for: what is said in a language, and what nothing can be chosen for."""
        known = members_of(terms_of(self.issuer))
        return {
            name: value
            for name, value in self.instance.metadata.items()
            if member_named(name, known) and name not in self.fields
        }


def is_described(client: Client) -> bool:
    """Whether another source than the table says who *client* is: its metadata is not for operators to change."""
    return client.source != Client.TABLE


def is_document(client: Client) -> bool:
    """Whether *client* is described by a document, whose host operators may judge."""
    return client.registered_by == Client.RegisteredBy.DOCUMENT


def client_form(issuer: Issuer, client: Client | None = None, kind: Kind | None = None) -> type[ClientForm]:
    """The form for *client*, or a new one of *kind*, of *issuer*. It offers only what the policy allows."""
    terms = terms_of(issuer, client.profile if client else "")
    offered = {} if client and is_described(client) else members_of(terms)
    members = {name: member for name, member in offered.items() if not _is_choice(member) or choices_of(member, terms)}
    fields = {name: _field(member, terms) for name, member in members.items()}
    bound = {
        "issuer": issuer,
        "kind": kind,
        "is_document": client is not None and is_document(client),
        "members": members,
    }
    return type("ClientForm", (ClientForm,), {**bound, **fields, **_columns(issuer)})


def asked(form: type[ClientForm]) -> list[str]:
    """The fields that are asked for first."""
    return [name for name in (form.kind.asked if form.kind else _USUAL) if name in form.members]


def folded(form: type[ClientForm], *, is_new: bool) -> Iterator[tuple[Words, list[str]]]:
    """All other fields, by what they are for, each with its heading."""
    purposes = {name: member.purpose for name, member in form.members.items()} | dict(_OURS)
    first = {*asked(form)} | (set() if is_new else {"client_id"})
    left_out = first | (_NOT_OF_DOCUMENTS if form.is_document else set())
    for purpose, words in PURPOSES.items():
        if names := [name for name, of in purposes.items() if of == purpose and name not in left_out]:
            yield words, names


def _is_choice(member: Member) -> bool:
    return member.kind in {"choice", "choices", "scope"}


def _field(member: Member, terms: Terms) -> forms.Field:
    told: dict[str, Any] = {
        "label": member.label or member.name,
        "help_text": format_lazy("{} ({})", member.help, member.name),
        "required": False,
    }
    match member.kind:
        case "choice":
            unset = [] if member.required else [("", gettext_lazy("Default"))]
            return forms.ChoiceField(choices=[*unset, *_choices(member, terms)], **told | {"required": member.required})
        case "choices":
            return forms.MultipleChoiceField(
                choices=_choices(member, terms), widget=forms.CheckboxSelectMultiple, **told
            )
        case "scope":
            return ScopeField(choices=_choices(member, terms), **told)
        case "uris" | "texts":
            return LinesField(widget=AdminTextareaWidget(attrs={"rows": 4}), **told)
        case "flag":
            return forms.BooleanField(**told)
        case "number":
            return forms.IntegerField(min_value=0, **told)
        case "json":
            return JSONField(**told)
        case _:
            return forms.CharField(widget=AdminTextInputWidget(attrs={"class": "vLargeTextField"}), **told)


def _choices(member: Member, terms: Terms) -> list[tuple[str, Words]]:
    return [
        (value, format_lazy("{} ({})", words, value) if words != value else value)
        for value, words in choices_of(member, terms).items()
    ]


def _columns(issuer: Issuer) -> dict[str, forms.Field]:
    """What is ours, not RFC 7591's."""
    formats = [(name, one.label or name) for name, one in issuer.components.of(TokenFormat).items()]
    return {
        "profile": forms.ChoiceField(
            choices=[("", gettext_lazy("Same as the issuer")), *((name, name) for name in issuer.settings.profiles)],
            required=False,
            label=gettext_lazy("Security profile"),
            help_text=gettext_lazy("A profile can only make the issuer's rules stricter for this client."),
        ),
        "access_token_format": forms.ChoiceField(
            choices=[("", gettext_lazy("Same as the resource or the issuer")), *formats],
            required=False,
            label=gettext_lazy("Access token format"),
            help_text=gettext_lazy(
                "Opaque tokens stop working as soon as they are revoked. at+jwt tokens are verified without "
                "contacting this server and work until they expire."
            ),
        ),
    }
