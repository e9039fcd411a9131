"""Clients whose id is the address of a document that describes them (draft-ietf-oauth-client-id-metadata-document)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy

from django_oauth_server.clients.documents import BY_ADDRESS, BY_HOST, metadata_at, why_not
from django_oauth_server.clients.sources.base import ClientSource, ShutOut
from django_oauth_server.component import Document, Sweep
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.client_id_metadata_documents import DocumentSettings
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.outbound import Refused, Unreachable
from django_oauth_server.protocol.client_id_urls import check_client_id_url, is_client_id_url, is_meant_as_url
from django_oauth_server.protocol.hosts import host_of
from django_oauth_server.storage.clients import stored_client, unused_rows
from django_oauth_server.storage.document_hosts import verdict_of, verdicts_of

Verdict: Final = DocumentHost.Verdict


class ClientIDMetadataDocuments(ClientSource):
    """Clients that are described by a document at an https address, as far as the policy and the operators let them in."""

    name = "client_id_metadata_document"
    asks_others = True
    registered_by = Client.RegisteredBy.DOCUMENT
    throttles = {BY_HOST: "60/m", BY_ADDRESS: "20/m"}
    settings_name = "client_id_metadata_documents"
    settings_group = DocumentSettings

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.group(DocumentSettings).policy != "off"

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"client_id_metadata_document_supported": True}

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        words = gettext_lazy("clients of documents that nobody uses")
        yield Sweep(words, unused_rows(self.name, expired), by="updated_at")

    def find(self, issuer: Issuer, client_id: str, row: Client | None) -> Client | None:
        if not is_client_id_url(client_id) or _rule_broken(client_id):
            return None
        verdict = _verdict(issuer, client_id)
        if _why_shut_out(issuer, client_id, verdict):
            return None
        try:
            metadata = metadata_at(client_id, issuer, row)
        except Refused:
            return None
        except Unreachable as exc:
            if row is None and why_not(client_id, issuer, profile=""):  # `explain` tells its developer
                return None
            raise TemporarilyUnavailable(
                "The client ID metadata document cannot be fetched right now.", detail=f"{client_id}: {exc}"
            ) from exc
        client = Client(metadata=metadata)
        client.vouched_by_source = verdict == Verdict.VOUCHED
        return client

    def explain(self, issuer: Issuer, client_id: str) -> str:
        if not is_meant_as_url(client_id):
            return ""
        if not self.enabled(issuer.settings):
            return ShutOut(
                "This server does not accept client ID metadata documents, and no client is registered with this client_id."
            )
        if rule := _rule_broken(client_id):
            return f"The client_id cannot be the address of a client ID metadata document: {rule}."
        if shut_out := _why_shut_out(issuer, client_id, _verdict(issuer, client_id)):
            return ShutOut(shut_out)
        row = stored_client(issuer.settings.issuer, client_id)
        failure = why_not(client_id, issuer, row.profile if row else "")
        return f"The client ID metadata document cannot be used: {failure.rstrip('.')}." if failure else ""

    def shut_out(self, issuer: Issuer, client_ids: Collection[str]) -> Collection[str]:
        if not self.enabled(issuer.settings):
            return client_ids
        verdicts = verdicts_of(issuer.settings.issuer, {*map(host_of, client_ids)})
        return {one for one in client_ids if _why_shut_out(issuer, one, verdicts[host_of(one)])}


def _rule_broken(client_id: str) -> str:
    try:
        check_client_id_url(client_id)
    except ValueError as exc:
        return str(exc)
    return ""


def _verdict(issuer: Issuer, client_id: str) -> DocumentHost.Verdict | None:
    return verdict_of(issuer.settings.issuer, host_of(client_id))


def _why_shut_out(issuer: Issuer, client_id: str, verdict: DocumentHost.Verdict | None) -> str:
    settings, host = issuer.settings.group(DocumentSettings), host_of(client_id)
    if verdict == Verdict.BLOCKED:
        return f"The operator of this server has blocked clients whose document is at {host}."
    if settings.policy == "listed" and host not in settings.hosts and verdict != Verdict.VOUCHED:
        return f"This server does not accept client ID metadata documents at {host}."
    return ""
