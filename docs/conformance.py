"""Write `docs/conformance.md` from the tests: `python docs/conformance.py`; with `--check`, only say whether it is as the tests have it.

A test names what it shows of the certification: `@pytest.mark.requirement(19)`. The clauses of the specifications below name their tests, and each of
these is marked with the section: `@pytest.mark.spec("RFC 9449", "4.3")`. Nothing is run: the tests are, by all that runs them.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"

REQUIREMENTS: Mapping[str, Mapping[int, str]] = {
    "Discovery and keys": {
        1: "metadata is JSON over https, and its issuer is the URL that it was fetched from",
        2: "every endpoint is https",
        3: "only registered metadata names",
        4: "ID tokens with RS256, and with one of PS256, ES256, EdDSA",
        5: "response types and grant types for dynamic registration",
        6: "scopes, claims, subject types and the userinfo endpoint are told",
        7: "the authentication methods that clients use are told",
        8: "request objects with RS256, and never `none`",
        9: "each key has a name of its own, no private part, and is strong enough",
        10: "a new key appears while the old one stays",
        11: "code challenge methods are told",
    },
    "Authorization endpoint": {
        12: "GET and POST, from any site, without a CSRF token",
        13: "what is unknown or merely wished for is no error",
        14: "an unregistered redirect URI gets a page, never a redirect",
        15: "a missing response type is told",
        16: "state comes back as it was sent, in errors too",
        17: "error descriptions keep to their characters",
        18: "a nonce is needed where an ID token travels in the browser",
        19: "`prompt=none` succeeds in silence or says why not",
        20: "`prompt=login` and `max_age` have a person sign in again",
        21: "`id_token_hint` with `prompt=none` succeeds in silence",
        22: "the order of scopes and parameters means nothing",
        23: "implicit and hybrid answers travel in the fragment, or in a form",
        24: "the `claims` parameter brings what it asks for, where it asks for it",
        25: "request objects are processed or refused, never ignored",
    },
    "Tokens": {
        26: "codes and tokens cannot be guessed",
        27: "a code works once; a second use takes back what it bought",
        28: "token responses are JSON that nobody keeps",
        29: "ID tokens say what they must",
        30: "no profile claims in an ID token that did not ask for them",
        31: "secrets work in the header and in the body, with any characters",
        32: "any client may use PKCE",
        33: "refreshing works, and says the same of the person",
        34: "`private_key_jwt` with either audience; a rotated client key is noticed within a minute",
    },
    "UserInfo": {
        35: "GET, POST with a header, POST with a form",
        36: "all standard claims of a person who has them",
        37: "signed responses",
    },
    "Dynamic registration": {
        38: "what fits is stored, and returned as registered",
        39: "a registration can be read and deleted",
        40: "what does not fit is refused with its error",
        41: "logo, policy and terms are shown where people sign in and agree",
        42: "`sector_identifier_uri` is fetched and compared",
    },
    "Logout": {
        43: "the way back needs a valid hint; otherwise there is a page",
        44: "a bad hint gets an error or a question",
        45: "without parameters a person is signed out, and told",
        46: "afterwards `prompt=none` fails",
        47: "front-channel iframes with issuer and session",
        48: "back-channel logout tokens",
        49: "all of it is told in the metadata",
    },
    "FAPI 2.0": {
        50: "pushed authorization requests",
        51: "no request but a pushed one",
        52: "PKCE with S256 alone",
        53: "response type code alone",
        54: "`iss` in every response",
        55: "client assertions for the issuer alone",
        56: "codes that live a minute",
        57: "DPoP",
        58: "mutual TLS",
        59: "refresh tokens that still work when the answer was lost",
        60: "protected resources",
    },
}


class Clause:
    """What a section demands, in a line, and the tests that show it, by their paths below `tests`."""

    def __init__(self, section: str, words: str, *tests: str) -> None:
        self.section, self.words, self.tests = section, words, tests


CLAUSES: Mapping[str, tuple[Clause, ...]] = {
    "RFC 8628: OAuth 2.0 Device Authorization Grant": (
        Clause(
            "3.1",
            "The client authenticates as at the token endpoint. A public client sends `client_id`.",
            "device/test_grant.py::TestDeviceAuthorization::test_a_confidential_client_authenticates",
            "device/test_grant.py::TestDeviceAuthorization::test_a_client_that_is_not_registered_for_it",
        ),
        Clause(
            "3.1",
            "The parameters are in the body of a POST. Empty ones count as absent, unknown ones are ignored, repeated ones are refused.",
            "device/test_grant.py::TestDeviceAuthorization::test_the_query_is_not_read",
            "device/test_grant.py::TestDeviceAuthorization::test_what_is_empty_counts_as_absent_and_what_is_unknown_is_ignored",
            "device/test_grant.py::TestDeviceAuthorization::test_what_is_wrong_is_told_before_a_code_is_typed_in_vain",
        ),
        Clause(
            "3.2",
            "The answer has both codes, the address to visit, their lifetime and the interval. Nobody may store it.",
            "device/test_grant.py::TestDeviceAuthorization::test_a_device_is_told_what_to_show",
        ),
        Clause(
            "3.3",
            "The person signs in, types the code, sees which app asks for what, and decides.",
            "device/test_page.py::TestTyping::test_who_opens_the_page_signs_in_first",
            "device/test_page.py::TestTyping::test_the_code_is_typed",
            "e2e/test_device_demo.py::test_a_tv_is_let_in_by_a_phone",
        ),
        Clause(
            "3.3",
            "A code that is wrong, expired or used is told, and another can be typed.",
            "device/test_page.py::TestTyping::test_a_wrong_code_is_told_at_its_field",
            "device/test_page.py::TestTyping::test_a_code_that_has_expired",
            "device/test_page.py::TestTyping::test_a_code_that_was_used",
        ),
        Clause(
            "3.3.1",
            "A link with the code in it skips the typing, but not the question whether it is this device.",
            "device/test_page.py::TestTyping::test_the_code_comes_with_a_link_and_is_to_be_compared_all_the_same",
            "e2e/test_device_demo.py::test_the_qr_code_leads_to_the_code_which_is_compared_all_the_same",
        ),
        Clause(
            "3.4",
            "A device code is good for the client that it was issued to, and for no other.",
            "device/test_grant.py::TestPolling::test_another_clients_device_code",
            "device/test_grant.py::TestPolling::test_what_is_no_device_code",
            "device/test_grant.py::TestPolling::test_a_user_code_is_no_device_code",
        ),
        Clause(
            "3.5",
            "`authorization_pending` until the person has decided.",
            "device/test_grant.py::TestPolling::test_until_the_person_has_decided_it_is_pending",
            "races/test_device.py::test_fifty_devices_that_poll_at_once_all_wait_and_nobody_else_slows_them_down",
        ),
        Clause(
            "3.5",
            "`slow_down` for a device that polls too early, which then has to wait five seconds longer.",
            "device/test_grant.py::TestPolling::test_who_polls_too_fast_waits_five_seconds_longer_each_time",
            "races/test_device.py::test_each_poll_that_comes_too_early_adds_five_seconds_whichever_process_it_reaches",
        ),
        Clause(
            "3.5",
            "`access_denied` once the person has denied it.",
            "device/test_grant.py::TestPolling::test_who_denies",
            "device/test_grant.py::TestPolling::test_who_denies_on_the_first_page",
        ),
        Clause(
            "3.5",
            "`expired_token` once the code has expired.",
            "device/test_grant.py::TestPolling::test_a_code_expires",
            "device/test_grant.py::TestPolling::test_what_was_allowed_expires_as_well",
        ),
        Clause(
            "3.5",
            "One answer with tokens.",
            "device/test_grant.py::TestPolling::test_then_there_are_tokens",
            "device/test_grant.py::TestPolling::test_they_are_handed_out_once",
            "races/test_device.py::test_fifty_polls_at_once_redeem_what_was_allowed_once",
        ),
        Clause(
            "4",
            "The metadata has the address of the endpoint.",
            "device/test_grant.py::TestDeviceAuthorization::test_the_metadata_say_where_it_is",
        ),
        Clause(
            "5.1",
            "Guesses of user codes are limited.",
            "device/test_page.py::TestGuesses::test_beyond_the_limit_no_code_is_looked_at",
            "hostile/test_user_codes.py::test_an_account_gets_ten_in_all_its_sessions_and_from_all_addresses",
            "hostile/test_user_codes.py::test_an_address_gets_sixty_with_all_its_accounts",
            "races/test_device.py::test_guesses_that_come_at_once_are_counted_before_they_are_looked_at",
        ),
        Clause(
            "5.2",
            "Device codes cannot be guessed.",
            "device/test_grant.py::TestDeviceAuthorization::test_a_device_code_cannot_be_guessed_and_neither_code_is_stored",
        ),
        Clause(
            "5.4",
            "The person is warned of codes that somebody else sends, and asked even where a link has the code.",
            "device/test_page.py::TestConfirming::test_it_says_who_asks_and_warns",
            "device/test_page.py::TestConfirming::test_no_link_skips_it",
        ),
        Clause(
            "5.6",
            "Nothing proves a public client: the person is told, and asked each time.",
            "device/test_page.py::TestConsent::test_it_says_where_access_goes_and_that_nothing_proves_the_app",
            "device/test_page.py::TestConsent::test_a_public_client_is_allowed_nothing_without_consent",
        ),
        Clause(
            "6.1",
            "A code is eight consonants. Case and punctuation do not matter when it is typed.",
            "device/test_user_code.py::test_a_code_is_eight_consonants_in_two_groups",
            "device/test_user_code.py::test_it_may_be_typed_in_many_ways",
        ),
    ),
    "RFC 8693: OAuth 2.0 Token Exchange": (
        Clause(
            "2.1",
            "A client asks at the token endpoint, and authenticates. Public clients, and clients that are not registered for it, may not.",
            "exchange/test_rules.py::test_a_public_client_or_one_that_is_not_registered_for_it_exchanges_nothing",
        ),
        Clause(
            "2.1",
            "`resource` and `audience` name the targets, each as often as needed.",
            "exchange/test_exchange.py::test_a_target_may_be_named_as_audience_or_be_the_only_one_of_the_rule",
            "exchange/test_rules.py::test_several_targets_that_the_rule_has",
        ),
        Clause(
            "2.1",
            "`subject_token` and its type are required. The type of the token that is requested may be named.",
            "exchange/test_rules.py::test_a_request_that_is_wrong",
        ),
        Clause(
            "2.1",
            "`actor_token` and `actor_token_type` come together or not at all.",
            "exchange/test_actors.py::test_the_subject_of_the_actor_token_acts",
            "exchange/test_actors.py::test_an_actor_token_that_is_no_good",
            "exchange/test_actors.py::test_an_actor_token_that_was_not_issued_for_this_client",
        ),
        Clause(
            "2.1",
            "The tokens are validated as their types demand.",
            "exchange/test_rules.py::test_an_id_token_that_is_no_good",
        ),
        Clause(
            "2.2.1",
            "The answer has the token, its type (`issued_token_type`), `token_type`, lifetime and scope. There is no refresh token.",
            "exchange/test_exchange.py::test_a_service_is_given_a_token_for_the_service_behind_it",
            "exchange/test_exchange.py::test_it_lives_no_longer_than_what_it_was_exchanged_for",
        ),
        Clause(
            "2.2.2",
            "`invalid_request` where a token is not valid or not acceptable, `invalid_target` where a target is not.",
            "hostile/test_exchange.py::test_what_a_rule_does_not_allow_is_refused",
        ),
        Clause(
            "3",
            "Token types are named by their identifiers: access tokens of either format, and ID tokens.",
            "exchange/test_exchange.py::test_a_subject_token_of_either_format_is_taken",
            "exchange/test_rules.py::test_an_id_token_is_exchanged_for_what_the_person_allowed",
            "exchange/test_rules.py::test_a_token_of_the_other_type_is_not_taken",
            "exchange/test_rules.py::test_a_jwt_says_itself_what_it_is",
        ),
        Clause(
            "4",
            "The claims are told by introspection as they are in JWTs.",
            "exchange/test_exchange.py::test_introspection_says_the_same",
        ),
        Clause(
            "4.1",
            "`act` says who acts, and in it who acted before. By impersonation nobody is named.",
            "exchange/test_exchange.py::test_it_says_for_whom_by_whom_and_that_it_was_exchanged",
            "exchange/test_exchange.py::test_by_impersonation_it_does_not_say_that_somebody_acts",
            "exchange/test_actors.py::test_a_chain_of_services_says_who_acts_and_who_did_before",
            "exchange/test_actors.py::test_a_chain_is_no_longer_than_the_setting_says",
            "exchange/test_actors.py::test_a_person_may_act",
            "e2e/test_chain.py::test_each_service_is_called_for_the_person_by_the_one_before",
        ),
        Clause(
            "4.1",
            "For access decisions only the actor counts that acts now.",
            "resource/test_actors.py::test_only_who_acts_now_counts",
        ),
        Clause(
            "4.2",
            "`scope` has the scopes of the new token, never more than the exchanged token has.",
            "exchange/test_exchange.py::test_what_is_asked_for_is_less_or_the_same",
            "exchange/test_rules.py::test_a_request_that_is_wrong",
        ),
        Clause(
            "4.3",
            "`client_id` is the client that exchanged, whoever the subject is.",
            "exchange/test_rules.py::test_a_client_that_is_acted_for_is_never_taken_for_a_person",
        ),
        Clause(
            "4.4",
            "Where a token says in `may_act` who may act, nobody else may. A rule may demand that it says so.",
            "exchange/test_actors.py::test_a_token_that_names_who_may_act_is_exchanged_for_them_alone",
            "exchange/test_actors.py::test_a_rule_may_demand_that_the_token_names_the_actor",
        ),
        Clause(
            "5",
            "Delegation is limited: by rules without wildcards, to what the person still allows, and to the holder of the key.",
            "exchange/test_settings.py::test_a_rule_that_is_wrong_says_what_is",
            "exchange/test_rules.py::test_what_the_person_took_back_or_the_client_may_not_request_is_not_given",
            "exchange/test_actors.py::test_a_bound_token_is_not_exchanged_without_its_key",
        ),
        Clause(
            "5",
            "What ends the person's authorization, or a client in the chain, ends what was exchanged.",
            "exchange/test_exchange.py::test_what_ends_the_authorization_ends_what_was_exchanged",
            "exchange/test_rules.py::test_what_ends_a_clients_own_tokens_ends_what_was_exchanged_for_them",
            "races/test_exchange.py::test_nothing_that_was_exchanged_outlives_what_the_person_allowed",
        ),
    ),
    "RFC 9126: OAuth 2.0 Pushed Authorization Requests": (
        Clause(
            "2",
            "The client authenticates as at the token endpoint; a public client names itself.",
            "pushed/test_push.py::test_a_client_authenticates_as_at_the_token_endpoint",
            "pushed/test_push.py::test_a_wrong_secret_is_refused",
            "pushed/test_push.py::test_a_public_client_says_who_it_is",
        ),
        Clause(
            "2",
            "A client assertion may name the issuer or, where the policy allows that, an endpoint.",
            "pushed/test_push.py::test_an_assertion_names_the_issuer_or_where_the_policy_allows_it_an_endpoint",
        ),
        Clause(
            "2",
            "The parameters are in the body of a POST.",
            "pushed/test_push.py::test_parameters_of_the_query_are_not_read",
        ),
        Clause("2.1", "`request_uri` is refused.", "pushed/test_push.py::test_a_reference_cannot_be_pushed"),
        Clause(
            "2.1",
            "The request is validated as at the authorization endpoint.",
            "pushed/test_push.py::test_every_check_is_made_when_it_is_pushed",
            "pushed/test_push.py::test_the_client_of_the_request_is_the_one_that_authenticates",
        ),
        Clause(
            "2.2",
            "201 with `request_uri` and `expires_in`. Nobody may store it.",
            "pushed/test_push.py::test_a_request_that_is_good_gets_a_reference",
        ),
        Clause(
            "2.2",
            "The reference cannot be guessed, belongs to its client, and lives for a short time.",
            "pushed/test_push.py::test_references_cannot_be_guessed_and_only_their_digests_are_stored",
            "pushed/test_reference.py::test_it_is_its_clients_alone",
            "pushed/test_settings.py::test_how_long_a_reference_lives_can_be_set",
        ),
        Clause(
            "2.3",
            "405 for another method, 413 for a request that is too long, 429 for too many.",
            "pushed/test_push.py::test_other_methods_are_not_allowed",
            "pushed/test_push.py::test_what_is_too_large_is_told_so",
            "pushed/test_push.py::test_one_address_pushes_no_more_for_a_public_client_than_the_limit",
        ),
        Clause(
            "2.4",
            "A redirect URI has to be registered: the exception for clients that authenticate is not made.",
            "pushed/test_push.py::test_a_redirect_uri_has_to_be_registered_whoever_pushes_it",
        ),
        Clause(
            "3",
            "A request object is validated. Beside it nothing but the client's authentication counts.",
            "pushed/test_signed.py::test_what_is_signed_is_what_counts",
            "pushed/test_signed.py::test_what_is_outside_completes_nothing",
            "pushed/test_signed.py::test_what_another_has_signed_is_refused",
            "pushed/test_signed.py::test_what_the_object_must_not_say",
        ),
        Clause(
            "4",
            "The authorization endpoint takes the reference with `client_id`, and reads nothing else.",
            "pushed/test_reference.py::test_client_and_reference_are_enough",
            "pushed/test_reference.py::test_beside_them_nothing_is_read",
            "pushed/test_reference.py::test_without_the_client_it_leads_nowhere",
        ),
        Clause(
            "4",
            "A reference is good for one authorization. Reloading the page works.",
            "pushed/test_reference.py::test_it_is_good_for_one_answer",
            "pushed/test_reference.py::test_reload_and_back_work_and_a_person_may_take_longer",
            "pushed/test_reference.py::test_signing_in_in_between_works_and_may_take_longer",
            "races/test_pushed.py::test_ten_pages_that_are_answered_at_once_get_one_code",
        ),
        Clause(
            "4",
            "An expired reference is refused.",
            "pushed/test_reference.py::test_it_is_dead_after_its_time_for_who_comes_new",
            "pushed/test_reference.py::test_an_unknown_reference_leads_nowhere",
        ),
        Clause(
            "4",
            "Where pushing is required, any other request is refused.",
            "pushed/test_required.py::test_a_request_that_was_not_pushed_is_refused",
            "pushed/test_required.py::test_one_that_was_pushed_is_served",
        ),
        Clause(
            "5",
            "The metadata has the address of the endpoint, and whether every client must push.",
            "pushed/test_push.py::test_the_endpoint_is_advertised",
            "pushed/test_settings.py::test_that_every_client_has_to_push_is_advertised",
        ),
        Clause(
            "6",
            "A client may register that it always pushes.",
            "pushed/test_required.py::test_a_client_may_register_it",
        ),
        Clause(
            "7.1",
            "References cannot be guessed.",
            "pushed/test_push.py::test_references_cannot_be_guessed_and_only_their_digests_are_stored",
        ),
        Clause(
            "7.2",
            "Nobody is sent to an address that the client has not registered.",
            "pushed/test_push.py::test_a_redirect_uri_has_to_be_registered_whoever_pushes_it",
        ),
        Clause(
            "7.3",
            "A reference cannot be used again, nor at another browser after its time.",
            "pushed/test_reference.py::test_it_is_good_for_one_answer",
            "pushed/test_reference.py::test_that_one_browser_came_in_time_counts_for_no_other",
        ),
        Clause(
            "7.4",
            "What has changed since the push is judged anew.",
            "pushed/test_reference.py::test_what_changed_since_it_was_pushed_is_judged_anew",
            "pushed/test_reference.py::test_scopes_that_the_client_may_no_longer_have_are_refused",
        ),
        Clause(
            "7.5",
            "A reference that was swapped for another gets a code that its client cannot use.",
            "pushed/test_reference.py::test_a_reference_that_was_swapped_for_another_gets_a_code_that_its_client_cannot_use",
        ),
    ),
    "RFC 9449: OAuth 2.0 Demonstrating Proof of Possession (DPoP)": (
        Clause(
            "4.1",
            "A proof is the value of the header `DPoP`.",
            "dpop/test_authorization_server.py::test_the_headers_name_is_of_any_case",
        ),
        Clause(
            "4.2", "What else a proof says is ignored.", "protocol/test_dpop.py::test_further_members_are_tolerated"
        ),
        Clause(
            "4.3 (1)",
            "More than one header is refused.",
            "dpop/test_authorization_server.py::test_more_than_one_header_is_refused",
        ),
        Clause(
            "4.3 (2–7)",
            "A proof is a JWT of the type `dpop+jwt` with all claims, signed with an asymmetric algorithm by the public key in it.",
            "protocol/test_dpop.py::test_what_is_no_proof_is_refused",
            "dpop/test_authorization_server.py::test_what_is_no_proof_is_refused",
            "resource/dpop/test_proofs.py::test_each_algorithm_that_is_told_will_do",
        ),
        Clause(
            "4.3 (8, 9)",
            "`htm` and `htu` are those of the request; the address is the server's own, normalized, whatever the Host header says.",
            "dpop/test_authorization_server.py::test_a_proof_that_is_not_for_this_request_is_refused",
            "dpop/test_authorization_server.py::test_the_address_is_the_issuers_own_whatever_the_host_header_says",
            "dpop/test_authorization_server.py::test_the_address_is_compared_without_query_and_after_normalization",
            "resource/dpop/test_proofs.py::test_each_check_of_a_proof",
            "resource/dpop/test_proofs.py::test_the_host_header_is_not_looked_at",
        ),
        Clause(
            "4.3 (11)",
            "`iat` is neither long ago nor yet to come.",
            "dpop/test_authorization_server.py::test_a_proof_that_is_not_for_this_request_is_refused",
            "resource/dpop/test_proofs.py::test_each_check_of_a_proof",
        ),
        Clause(
            "4.3 (12)",
            "At a protected resource `ath` is the hash of the token, and the token is bound to the key.",
            "resource/dpop/test_proofs.py::test_each_check_of_a_proof",
            "protocol/test_dpop.py::test_beside_an_access_token_the_proof_is_for_that_token",
        ),
        Clause(
            "5",
            "With a proof, every grant gets tokens that are bound to the key, of the type `DPoP`.",
            "dpop/test_authorization_server.py::test_a_proof_binds_the_token",
            "dpop/test_authorization_server.py::test_every_grant_takes_a_proof",
            "dpop/test_grants.py::test_a_device_gets_tokens_that_are_bound_to_its_key",
        ),
        Clause(
            "5",
            "Refresh tokens of public clients are bound to the key; those of confidential clients are not.",
            "dpop/test_authorization_server.py::test_a_public_clients_refresh_token_is_bound_to_the_key",
            "dpop/test_authorization_server.py::test_a_confidential_clients_refresh_token_is_not",
        ),
        Clause(
            "5",
            "Without a proof a token is a bearer token.",
            "dpop/test_authorization_server.py::test_without_a_proof_the_token_is_its_bearers",
        ),
        Clause(
            "5.1",
            "The metadata has the algorithms of proofs.",
            "dpop/test_authorization_server.py::test_the_metadata_says_which_algorithms",
        ),
        Clause(
            "5.2",
            "A client may register that its tokens are always bound.",
            "dpop/test_authorization_server.py::test_a_client_may_register_that_it_always_proves",
            "dpop/test_authorization_server.py::test_a_client_that_always_proves_is_refused_without_a_proof",
        ),
        Clause(
            "6.1",
            "A JWT has the key's thumbprint in `cnf`.",
            "dpop/test_authorization_server.py::test_a_jwt_says_the_keys_thumbprint",
        ),
        Clause(
            "6.2",
            "So has the answer of introspection.",
            "dpop/test_authorization_server.py::test_introspection_says_the_keys_thumbprint",
        ),
        Clause(
            "7.1",
            "A protected resource takes the scheme `DPoP` with a proof of the token's key, and nothing less.",
            "resource/dpop/test_proofs.py::test_a_token_with_a_proof_of_its_key_opens",
            "resource/dpop/test_proofs.py::test_without_a_proof_it_does_not",
            "resource/dpop/test_proofs.py::test_a_proof_of_another_key_is_refused",
            "resource/dpop/test_proofs.py::test_a_token_that_is_not_bound_is_no_dpop_token",
        ),
        Clause(
            "7.1",
            "A challenge has the scheme, the error and the algorithms.",
            "resource/dpop/test_proofs.py::test_without_a_proof_it_does_not",
        ),
        Clause(
            "7.2",
            "A bound token with the scheme `Bearer` is refused. Without credentials both schemes are named.",
            "resource/dpop/test_proofs.py::test_as_a_bearer_token_it_opens_nothing",
            "resource/dpop/test_proofs.py::test_without_credentials_both_schemes_are_told",
        ),
        Clause(
            "8",
            "A proof without the nonce that is required is `use_dpop_nonce`, with the header `DPoP-Nonce`.",
            "dpop/test_authorization_server.py::test_a_nonce_that_is_required_is_told_and_then_accepted",
            "dpop/test_authorization_server.py::test_a_nonce_that_was_not_handed_out_is_refused",
        ),
        Clause("8", "A nonce is good for a limited time.", "protocol/test_dpop.py::test_a_nonce_is_good_for_a_while"),
        Clause(
            "8.1",
            "A nonce has the characters that the grammar allows.",
            "protocol/test_dpop.py::test_a_nonce_has_the_characters_that_a_nonce_may_have",
        ),
        Clause(
            "8.2",
            "Any answer may bring the next nonce.",
            "dpop/test_authorization_server.py::test_an_answer_brings_the_next_nonce",
            "resource/dpop/test_proofs.py::test_every_answer_to_a_proof_has_a_nonce",
        ),
        Clause(
            "9",
            "A protected resource may require nonces, too.",
            "resource/dpop/test_proofs.py::test_a_nonce_that_is_required_is_told_and_then_used",
            "openid/test_userinfo_bound.py::test_a_nonce_may_be_required",
        ),
        Clause(
            "10",
            "`dpop_jkt` binds the code: it is refused without a proof, and with another key's.",
            "dpop/test_authorization_server.py::test_a_code_is_bought_by_the_key_that_was_named",
            "dpop/test_authorization_server.py::test_what_is_no_thumbprint_is_refused",
        ),
        Clause(
            "10.1",
            "A pushed request may have the parameter, a proof, or both of one key.",
            "dpop/test_pushed.py::test_a_key_that_is_named_binds_the_code",
            "dpop/test_pushed.py::test_a_proof_binds_the_code",
            "dpop/test_pushed.py::test_both_do_if_they_are_of_one_key",
            "dpop/test_pushed.py::test_a_proof_of_another_key_than_the_one_that_is_named_is_refused",
        ),
        Clause(
            "11.1",
            "A proof is accepted once, in a window of time.",
            "dpop/test_authorization_server.py::test_a_proof_is_accepted_once",
            "dpop/test_authorization_server.py::test_the_window_is_a_setting",
            "resource/dpop/test_proofs.py::test_a_proof_is_accepted_once",
            "races/test_proofs.py::test_a_proof_that_is_sent_fifty_times_at_once_is_accepted_once",
            "races/test_proofs.py::test_so_it_is_by_a_shared_cache_of_two_processes",
        ),
        Clause(
            "11.2",
            "With nonces, a proof that was made in advance is refused.",
            "dpop/test_authorization_server.py::test_a_proof_that_was_made_in_advance_lacks_the_nonce",
        ),
        Clause(
            "11.3",
            "Once a nonce was given, a proof without one is refused.",
            "dpop/test_authorization_server.py::test_once_a_nonce_was_told_a_proof_without_one_is_refused",
        ),
        Clause(
            "11.5",
            "A JWT of another type is no proof.",
            "dpop/test_authorization_server.py::test_a_jwt_of_another_use_is_no_proof",
        ),
        Clause(
            "11.6",
            "An algorithm that the policy does not permit is refused.",
            "dpop/test_authorization_server.py::test_an_algorithm_that_the_policy_does_not_permit_is_refused",
            "resource/dpop/test_proofs.py::test_an_algorithm_that_is_not_permitted_here_is_refused",
        ),
        Clause(
            "11.9",
            "A code that is bound to a key is worth nothing to whoever holds another.",
            "dpop/test_authorization_server.py::test_a_code_is_bought_by_the_key_that_was_named",
        ),
    ),
    "RFC 7523: JWT Profile for OAuth 2.0 Authorization Grants": (
        Clause(
            "2.1",
            "The grant type is `urn:ietf:params:oauth:grant-type:jwt-bearer`, with one `assertion`, and `scope` where it is wanted.",
            "trusted_issuers/test_grant.py::test_an_assertion_brings_an_access_token_for_its_person",
            "trusted_issuers/test_refusals.py::test_the_parameter_is_needed_and_sent_once",
            "workloads/test_federated_jwt.py::test_a_workload_may_present_its_token_as_a_grant_and_acts_for_itself",
        ),
        Clause(
            "2.2",
            "A client authenticates with a JWT of another issuer, which vouches for it. `client_id` is not needed.",
            "workloads/test_federated_jwt.py::test_a_token_of_the_platform_is_enough",
        ),
        Clause(
            "3",
            "What an issuer vouches for is judged for clients as for people: issuer, subject, audience, times, one use, signature.",
            "workloads/test_federated_jwt.py::test_what_the_token_says_is_judged",
            "workloads/test_federated_jwt.py::test_a_token_of_one_use_is_accepted_once",
            "workloads/test_federated_jwt.py::test_what_the_platform_did_not_sign_is_refused",
            "workloads/test_federated_jwt.py::test_an_issuer_that_nobody_trusts_vouches_for_nobody",
        ),
        Clause(
            "3 (1)",
            "`iss` identifies who issued it, and is compared character by character.",
            "trusted_issuers/test_refusals.py::test_what_is_not_accepted_is_explained",
            "trusted_issuers/test_refusals.py::test_keys_of_another_issuer_do_not_count",
        ),
        Clause(
            "3 (2)",
            "`sub` identifies the person, who has to have an account here.",
            "trusted_issuers/test_refusals.py::test_what_is_not_accepted_is_explained",
            "trusted_issuers/test_refusals.py::test_a_person_without_a_link_is_named_to_the_operator_alone",
        ),
        Clause(
            "3 (3)",
            "`aud` identifies this server. Whatever names others as well is refused.",
            "trusted_issuers/test_refusals.py::test_what_is_not_accepted_is_explained",
            "trusted_issuers/test_refusals.py::test_an_audience_that_the_settings_name_takes_the_place_of_the_issuer",
        ),
        Clause(
            "3 (4, 5, 6)",
            "`exp` is needed and bounded; `nbf` and `iat` hold. Clocks may differ by 30 seconds.",
            "trusted_issuers/test_refusals.py::test_what_is_not_accepted_is_explained",
            "trusted_issuers/test_grant.py::test_clocks_may_differ_a_little",
        ),
        Clause(
            "3 (7)",
            "A `jti` is accepted once, whoever presents it again. A request that is refused uses up nothing.",
            "trusted_issuers/test_refusals.py::test_a_replay_is_refused",
            "trusted_issuers/test_grant.py::test_an_assertion_without_a_jti_is_good_until_it_expires",
            "trusted_issuers/test_grant.py::test_what_is_refused_is_not_used_up",
        ),
        Clause(
            "3 (9)",
            "The signature is verified, by keys of the issuer alone. A new key is noticed.",
            "trusted_issuers/test_refusals.py::test_what_is_not_accepted_is_explained",
            "trusted_issuers/test_keys.py::test_a_new_key_is_noticed_at_once",
        ),
        Clause(
            "3 (10)",
            "Whatever is not valid in every other respect is refused: a disabled person, for one.",
            "trusted_issuers/test_refusals.py::test_what_is_not_accepted_is_explained",
            "trusted_issuers/test_people.py::TestDisabled::test_a_disabled_person",
        ),
        Clause(
            "3.1",
            "The error is `invalid_grant`, and the description says why.",
            "trusted_issuers/test_refusals.py::test_what_is_not_accepted_is_explained",
        ),
        Clause(
            "3.2",
            "Where the JWT authenticates a client, the error is `invalid_client`. The log says why.",
            "workloads/test_federated_jwt.py::test_what_the_token_says_is_judged",
        ),
    ),
    "Identity Assertion JWT Authorization Grant: draft-ietf-oauth-identity-assertion-authz-grant": (
        Clause(
            "3",
            "An ID-JAG that is issued says for whom, for which server, client, resource and scope, and for how long.",
            "exchange/test_id_jag.py::test_it_says_who_may_do_what_where",
        ),
        Clause(
            "4.3",
            "An ID token is exchanged for an ID-JAG, by a rule of the deployment. The answer is `N_A`, without a refresh token.",
            "exchange/test_id_jag.py::test_an_id_token_is_exchanged_for_an_id_jag",
            "exchange/test_id_jag.py::test_what_no_rule_allows_is_refused",
        ),
        Clause(
            "4.3.1",
            "The ID token is the client's own, and nothing has ended what it came from.",
            "exchange/test_id_jag.py::test_the_id_token_must_be_the_clients_own",
            "exchange/test_id_jag.py::test_what_ends_the_authorization_ends_it",
        ),
        Clause(
            "4.4",
            "An authorization server elsewhere gives an access token for what was issued here, once.",
            "exchange/test_id_jag.py::test_the_server_elsewhere_gives_a_token_for_the_person_whom_it_knows",
        ),
        Clause(
            "6",
            "The metadata say that ID-JAGs are issued.",
            "exchange/test_id_jag.py::test_metadata_say_so",
        ),
        Clause(
            "3",
            "A subject is its issuer's and its tenant's. An account may be found by `email`, where the settings say so.",
            "trusted_issuers/test_grant.py::TestTwoIssuers::test_the_same_subject_of_two_issuers_is_two_people",
            "trusted_issuers/test_grant.py::TestTwoIssuers::test_tenants_of_an_issuer_share_no_people",
            "trusted_issuers/test_people.py::TestByEmail::test_a_verified_address_finds_and_links",
            "trusted_issuers/test_people.py::TestByEmail::test_whoever_has_the_address_later_does_not_get_the_account",
        ),
        Clause(
            "4.4.1",
            "The type is `oauth-id-jag+jwt`, `aud` this issuer alone, `client_id` the client that authenticated; `jti` and `iat` are there.",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_it_brings_a_token_for_its_resource_with_its_scope",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_its_audience_may_be_a_list_of_one",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_what_it_must_say",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_it_names_the_issuer_whatever_else_is_accepted",
        ),
        Clause(
            "4.4.1",
            "`resource` and `scope` bound what is granted, which may be less. `authorization_details` are not supported, and refused.",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_nobody_gets_more_than_it_says",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_less_may_be_granted",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_what_it_must_say",
        ),
        Clause(
            "4.4.3",
            "No refresh token. Whether an assertion may be presented again is a setting.",
            "trusted_issuers/test_grant.py::test_it_brings_neither_a_refresh_token_nor_an_id_token",
            "trusted_issuers/test_grant.py::test_a_deployment_may_let_assertions_be_presented_again",
        ),
        Clause(
            "6",
            "The metadata say that the profile is supported, where an issuer may use it.",
            "trusted_issuers/test_grant.py::TestMetadata::test_the_grant_and_its_profile",
            "trusted_issuers/test_grant.py::TestMetadata::test_nothing_while_no_issuer_is_trusted",
            "trusted_issuers/test_grant.py::TestMetadata::test_no_profile_where_no_issuer_may_use_it",
        ),
        Clause(
            "7.1",
            "Public clients cannot use it.",
            "trusted_issuers/test_grant.py::TestClients::test_a_public_client",
        ),
        Clause(
            "7.3",
            "A server does not trust itself.",
            "trusted_issuers/test_people.py::TestChecks::test_a_mistake",
        ),
        Clause(
            "7.4",
            "An assertion that is bound to a key is for whoever proves to hold it.",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_one_that_is_bound_to_a_key_is_for_its_holder_alone",
        ),
    ),
    "Client ID Metadata Document: draft-ietf-oauth-client-id-metadata-document-02": (
        Clause(
            "3",
            "A client identifier URL is an https URL with a path, and without user information, fragment and dot segments. Others are never asked.",
            "protocol/test_client_id_urls.py::test_a_document_may_be_there",
            "protocol/test_client_id_urls.py::test_no_document_may_be_there",
            "clients/test_documents.py::TestWhatItSays::test_is_not_looked_for_where_none_can_be",
            "clients/test_documents.py::TestWhatItSays::test_is_not_asked_for_by_another_spelling",
        ),
        Clause(
            "4",
            "The document's `client_id` is the URL at which it was found, by simple string comparison. The rest is judged as a registration.",
            "clients/test_documents.py::TestWhatItSays::test_its_client_id_is_compared_character_by_character",
            "clients/test_documents.py::TestWhatItSays::test_is_judged_as_a_registration",
        ),
        Clause(
            "4.1",
            "No shared secret, and no method or algorithm that needs one; no private keys.",
            "clients/test_documents.py::TestWhatItSays::test_holds_no_secret",
            "clients/test_documents.py::TestWhatItSays::test_holds_no_private_key",
        ),
        Clause(
            "4.2",
            "Answers go to the redirect URIs of the document alone.",
            "clients/test_documents.py::TestItIsAClient::test_only_the_redirect_uris_of_the_document_are_answered",
        ),
        Clause(
            "5",
            "The status is 200; redirects are not followed. Whatever else is answered makes no client.",
            "clients/test_documents.py::TestWhatItSays::test_is_the_answer_itself",
        ),
        Clause(
            "5.1",
            "Where the document cannot be fetched, the request ends, and its developer is told why.",
            "clients/test_documents.py::TestWhereItCannotBeUsed::test_machines_are_told_why",
            "clients/test_documents.py::TestWhereItCannotBeUsed::test_pages_know_nobody",
        ),
        Clause(
            "5.2",
            "HTTP caching is respected within bounds. Errors and invalid documents are not cached.",
            "clients/test_documents.py::TestHowLongItIsKept::test_is_what_its_headers_say_within_bounds",
            "clients/test_documents.py::TestHowLongItIsKept::test_what_is_of_no_use_is_not_kept",
        ),
        Clause(
            "6",
            "`client_id_metadata_document_supported` is told.",
            "clients/test_documents.py::TestItIsAClient::test_metadata_says_so",
        ),
        Clause(
            "7.1",
            "Client IDs that are made here do not begin with `https://`, and a registered client is not taken over.",
            "clients/test_documents.py::TestItIsAClient::test_no_client_that_is_registered_here_is_given_such_an_id",
            "clients/test_documents.py::TestItIsAClient::test_a_client_that_was_registered_under_the_address_is_not_taken_over",
        ),
        Clause(
            "8.2",
            "Where the document declares `private_key_jwt`, the client has to prove that it holds its keys.",
            "clients/test_documents.py::TestAClientWithKeys::test_proves_that_it_holds_them",
            "clients/test_documents.py::TestAClientWithKeys::test_is_given_nothing_without",
            "clients/test_documents.py::TestAClientWithKeys::test_may_publish_them",
        ),
        Clause(
            "8.4",
            "What people judge a client by is shown to them again where the document changes it; what it takes away is gone.",
            "clients/test_documents.py::TestWhatADocumentChanges::test_of_what_people_judge_it_by_is_shown_to_them",
            "clients/test_documents.py::TestWhatADocumentChanges::test_takes_away_what_it_takes_away",
        ),
        Clause(
            "8.4.1",
            "Where none of a client's keys is left, what people allowed it has ended.",
            "clients/test_documents.py::TestWhatADocumentChanges::test_of_all_its_credentials_ends_what_people_allowed",
        ),
        Clause(
            "8.5",
            "The page on which people decide shows the host of the document, before the name and the logo that the document gives.",
            "clients/test_sources.py::TestWhatPeopleSeeOfADocument::test_its_name_is_the_host_and_what_it_claims_comes_second",
            "clients/test_sources.py::TestWhatPeopleSeeOfADocument::test_its_logo_is_not_the_pages",
            "pages/test_templates.py::test_consent_shows_the_host_of_a_document_before_what_the_app_claims",
            "mcp/test_documents.py::test_people_see_the_host_of_the_document_and_where_the_answer_goes",
        ),
        Clause(
            "8.6",
            "Addresses inside networks, and this server itself, are never asked.",
            "clients/test_documents.py::TestWhatItSays::test_is_not_looked_for_inside_networks",
            "clients/test_documents.py::TestWhatItSays::test_is_not_looked_for_at_this_server",
        ),
        Clause(
            "8.7",
            "No more than 5 KB are read.",
            "clients/test_documents.py::TestWhatItSays::test_may_be_as_long_as_is_recommended",
            "clients/test_documents.py::TestWhatItSays::test_is_the_answer_itself",
        ),
        Clause(
            "8.8",
            "Logos are fetched and served by this server.",
            "outbound/test_logo.py::test_the_consent_page_shows_it_from_this_origin",
        ),
        Clause(
            "8.9",
            "An operator blocks a host, or vouches for it; a list of hosts is all that is let in.",
            "clients/test_documents.py::TestWhoIsLetIn::test_hosts_that_are_listed",
            "clients/test_documents.py::TestWhoIsLetIn::test_no_others",
            "clients/test_documents.py::TestWhoIsLetIn::test_no_host_that_an_operator_has_blocked",
        ),
    ),
    "MCP: Authorization of the Model Context Protocol (2026-07-28)": (
        Clause(
            "overview",
            "OAuth 2.1 for clients with and without a secret.",
            "mcp/test_authorization_server.py::test_clients_with_and_without_a_secret_are_served",
        ),
        Clause(
            "authorization-server-metadata-discovery",
            "The metadata are at every address that clients try, also for an issuer with a path, and name the issuer that was asked.",
            "mcp/test_authorization_server.py::test_it_is_found_at_every_address_that_clients_try",
        ),
        Clause(
            "authorization-code-protection",
            "Each document has `code_challenge_methods_supported` with S256, those of OpenID Connect Discovery as well. No code without a challenge.",
            "mcp/test_authorization_server.py::test_each_document_says_that_challenges_are_supported",
            "mcp/test_authorization_server.py::test_a_code_without_a_challenge_or_with_a_plain_one_is_not_handed_out",
        ),
        Clause(
            "authorization-response-validation",
            "`iss` is in every authorization response, errors among them, and the metadata say so.",
            "mcp/test_authorization_server.py::test_every_answer_names_the_issuer_and_the_metadata_say_so",
        ),
        Clause(
            "resource-parameter-implementation",
            "`resource` at the authorization and token endpoints decides the audience. Scheme and host may be in capital letters.",
            "mcp/test_authorization_server.py::TestResource::test_a_token_is_for_the_resource_that_both_requests_name",
            "mcp/test_authorization_server.py::TestResource::test_scheme_host_and_the_slash_behind_the_host_may_be_written_otherwise",
            "mcp/test_authorization_server.py::TestResource::test_what_is_no_resource_here_is_refused",
            "mcp/test_authorization_server.py::TestResource::test_a_code_for_one_buys_no_token_for_another",
            "mcp/test_authorization_server.py::TestResource::test_a_refreshed_token_is_for_it_as_well",
        ),
        Clause(
            "token-theft",
            "Access tokens are short-lived. Refresh tokens of public clients rotate.",
            "mcp/test_authorization_server.py::test_access_tokens_are_short_lived",
            "mcp/test_authorization_server.py::test_refresh_tokens_of_clients_without_a_secret_rotate_and_reuse_ends_them",
        ),
        Clause(
            "refresh-tokens",
            "`offline_access` is in the metadata of the authorization server, and neither in those of the resource nor in challenges.",
            "mcp/test_authorization_server.py::TestOfflineAccess::test_it_is_listed_and_may_be_asked_for_without_openid",
            "mcp/test_authorization_server.py::TestOfflineAccess::test_it_may_be_asked_for_with_a_resource_that_has_scopes_of_its_own",
            "resource/test_metadata.py::test_the_document_to_the_byte",
            "resource/test_metadata.py::test_a_challenge_leads_to_it",
        ),
        Clause(
            "communication-security",
            "Every endpoint is https.",
            "mcp/test_authorization_server.py::test_every_endpoint_is_https",
        ),
        Clause(
            "communication-security",
            "Redirect URIs are https or loopback. Beside these, apps on a device have schemes of their own, with a dot (RFC 8252 section 7.1).",
            "clients/test_registration.py::test_an_unsafe_redirect_uri_is_refused",
            "clients/test_registration.py::test_a_safe_redirect_uri_passes",
            "authorization/test_request.py::test_a_registered_redirect_uri_is_judged_again_by_the_policy_of_today",
        ),
        Clause(
            "open-redirection",
            "Redirect URIs match exactly. An error sends no stranger to an app.",
            "mcp/test_authorization_server.py::test_nobody_is_sent_to_an_address_that_is_not_registered",
            "mcp/test_authorization_server.py::test_a_link_with_a_mistake_sends_no_stranger_to_an_app",
        ),
        Clause(
            "confused-deputy-problem",
            "People allow each client by itself.",
            "mcp/test_authorization_server.py::test_each_client_is_allowed_by_itself",
        ),
        Clause(
            "client-id-metadata-documents",
            "Documents of agents and editors are accepted as they publish them, and told in the metadata. Their `client_id` is their address, "
            "their redirect URIs are compared, and their HTTP headers are heeded.",
            "clients/test_documents.py::TestWhatItSays::test_its_client_id_is_compared_character_by_character",
            "clients/test_documents.py::TestItIsAClient::test_only_the_redirect_uris_of_the_document_are_answered",
            "clients/test_documents.py::TestHowLongItIsKept::test_is_what_its_headers_say_within_bounds",
            "mcp/test_documents.py::test_an_agent_gets_its_tokens_at_whichever_of_its_addresses_it_names",
            "mcp/test_documents.py::test_chatgpt_signs_with_its_key_and_is_not_let_in_without",
            "mcp/test_documents.py::test_a_grant_type_that_no_person_is_asked_for_is_not_given",
            "mcp/test_documents.py::test_the_address_of_another_path_is_refused_with_what_to_mend",
            "mcp/test_documents.py::test_it_is_told_in_the_metadata_where_it_is_on",
        ),
        Clause(
            "authorization-server-abuse-protection",
            "Documents inside networks are never asked for, and made-up client IDs cost few fetches.",
            "clients/test_documents.py::TestWhatItSays::test_is_not_looked_for_inside_networks",
            "hostile/test_documents.py::test_made_up_ids_cost_few_fetches_and_no_rows",
            "hostile/test_documents.py::test_a_name_that_leads_inside_is_not_followed",
        ),
        Clause(
            "trust-policies",
            "An operator names hosts, and blocks them.",
            "clients/test_documents.py::TestWhoIsLetIn::test_no_others",
            "clients/test_documents.py::TestWhoIsLetIn::test_no_host_that_an_operator_has_blocked",
        ),
        Clause(
            "localhost-redirect-uri-risks",
            "People see the host of the document, and that of the redirect URI. They are warned where the answer goes to their own device.",
            "clients/test_sources.py::TestWhatPeopleSeeOfADocument::test_the_page_warns_where_the_answer_goes_to_the_persons_own_device",
            "clients/test_sources.py::TestWhatPeopleSeeOfADocument::test_the_page_warns_where_every_answer_goes_there_whatever_key_the_app_has",
            "mcp/test_documents.py::test_people_see_the_host_of_the_document_and_where_the_answer_goes",
        ),
        Clause(
            "dynamic-client-registration",
            "Where it is offered, agents and editors can register as they do, with their `application_type`.",
            "mcp/test_authorization_server.py::test_registration_is_told_where_it_is_offered",
            "registration/test_agents.py::test_an_agent_registers_as_it_does_and_gets_its_tokens",
            "registration/test_agents.py::test_a_code_is_sent_to_whichever_of_its_addresses_an_agent_names",
        ),
        Clause(
            "step-up-authorization-flow",
            "A client may ask people for more than it registered. A scope that covers the needed one is enough.",
            "registration/test_agents.py::TestMoreThanItRegistered::test_people_are_asked_and_the_tokens_have_it",
            "registration/test_agents.py::TestMoreThanItRegistered::test_not_where_nobody_is_asked",
            "e2e/clients/test_mcp.py::test_the_python_sdk",
            "e2e/clients/test_mcp.py::test_the_typescript_sdk",
            "resource/test_conditions.py::test_a_scope_that_covers_the_needed_one_is_enough",
        ),
        Clause(
            "authorization-flow-steps",
            "The Python and the TypeScript SDK walk from discovery to a tool, more scopes and a refreshed token: by a document, by registration "
            "and with an operator's client; beside the authorization server, and elsewhere by JWKS and by introspection.",
            "e2e/clients/test_mcp.py::test_the_python_sdk",
            "e2e/clients/test_mcp.py::test_the_typescript_sdk",
        ),
        Clause(
            "mcp-authorization-extensions",
            "`oauth-client-credentials` with a key and with a secret, and `enterprise-managed-authorization`, by the SDKs' own providers. An ID-JAG "
            "names this issuer and the client, brings what its scope and resource say, and no refresh token.",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_it_brings_a_token_for_its_resource_with_its_scope",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_what_it_must_say",
            "trusted_issuers/test_refusals.py::TestIDJAG::test_it_names_the_issuer_whatever_else_is_accepted",
            "trusted_issuers/test_grant.py::test_it_brings_neither_a_refresh_token_nor_an_id_token",
            "e2e/clients/test_mcp_extensions.py::test_a_service_of_the_python_sdk",
            "e2e/clients/test_mcp_extensions.py::test_a_service_of_the_typescript_sdk",
            "e2e/clients/test_mcp_extensions.py::test_a_grant_of_an_identity_provider_by_the_python_sdk",
            "e2e/clients/test_mcp_extensions.py::test_a_grant_of_an_identity_provider_by_the_typescript_sdk",
        ),
        Clause(
            "authorization-server-location",
            "The metadata of the resource name its authorization server.",
            "resource/test_metadata.py::test_each_resource_has_its_own",
        ),
        Clause(
            "protected-resource-metadata-discovery-requirements",
            "A challenge leads to the metadata, which are at the path-inserted address.",
            "resource/test_metadata.py::test_a_challenge_leads_to_it",
            "resource/test_mcp.py::test_without_a_token_the_challenge_says_where_to_look_and_what_to_ask_for",
            "resource/test_metadata.py::test_a_resource_without_a_path_is_at_the_root",
        ),
        Clause(
            "scope-selection-strategy",
            "A challenge names the scopes of the operation.",
            "resource/everywhere/test_refusals.py::test_every_mechanism_refuses_alike",
        ),
        Clause(
            "token-requirements",
            "A token in the query is none. Every request needs one, whatever its session.",
            "resource/test_mechanisms.py::test_a_query_token_beside_a_good_one_is_ignored",
            "resource/test_mcp.py::test_a_token_in_the_query_is_none",
            "resource/test_mcp.py::test_streams_and_the_end_of_sessions_need_what_the_endpoint_needs",
        ),
        Clause(
            "token-handling",
            "401 for a token that is missing, invalid, expired or for somebody else.",
            "resource/test_mechanisms.py::test_each_mechanism_refuses_in_the_same_words",
            "e2e/clients/test_mcp.py::test_what_the_person_takes_back_opens_nothing_more",
        ),
        Clause(
            "access-token-privilege-restriction",
            "A token for another resource is refused.",
            "resource/test_requirement.py::test_a_token_for_another_audience_is_invalid",
        ),
        Clause(
            "access-token-privilege-restriction",
            "No token is passed on: services exchange the one that they were called with, and the next service refuses that one.",
            "e2e/test_chain.py::test_each_service_is_called_for_the_person_by_the_one_before",
            "e2e/test_chain.py::test_a_token_opens_only_the_service_that_it_is_for",
        ),
        Clause(
            "scope-challenge-handling",
            "403 with `insufficient_scope`, all scopes of the operation at once, and `resource_metadata`.",
            "resource/test_mcp.py::test_an_operation_that_needs_more_names_everything_it_needs",
            "resource/test_mcp.py::test_a_scope_that_covers_another_is_enough",
            "resource/test_requirement.py::test_a_challenge_names_all_scopes_of_the_operation",
            "resource/test_conditions.py::test_a_challenge_asks_for_no_more_scopes_than_needed",
            "resource/everywhere/test_refusals.py::test_every_mechanism_refuses_alike",
        ),
    ),
}


class Shown(NamedTuple):
    """A test, and a requirement that it shows."""

    number: int
    test: str
    skipped: bool


def page() -> str:
    """The page, as the tests are now."""
    shown: dict[int, list[Shown]] = {}
    for one in found():
        shown.setdefault(one.number, []).append(one)
    parts = [
        "# Conformance",
        "<!-- Written by docs/conformance.py from the tests. Mark a test, and run it. -->",
        "What the OpenID Foundation's certification looks at, and some specifications clause by clause, with the tests that show each:\n"
        "through the front door. *shown*: by tests that pass in every run of `.ci/run`. *not shown*: by no test.\n"
        "FAPI 2.0 is shown with the policy on the page [Security](security.md#tighter-than-a-profile).",
    ]
    for heading, requirements in REQUIREMENTS.items():
        rows = [_row(number, words, shown.get(number, [])) for number, words in requirements.items()]
        parts += [
            f"## {heading}",
            "\n".join(["| # | Requirement | Status | Tests |", "| --- | --- | --- | --- |", *rows]),
        ]
    for document, clauses in CLAUSES.items():
        rows = [f"| {one.section} | {one.words} | {_named(f'tests/{test}' for test in one.tests)} |" for one in clauses]
        parts += [
            f"## {document}",
            "\n".join(["| Section | What it demands | Tests |", "| --- | --- | --- |", *rows]),
        ]
    return "\n\n".join(parts) + "\n"


@cache
def found() -> tuple[Shown, ...]:
    """Every mark of every test."""
    return tuple(_found())


def _found() -> Iterator[Shown]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test_"):
                marks = [_mark(decorator) for decorator in function.decorator_list]
                skipped = any(name in {"skip", "xfail"} for name, _ in marks)
                test = f"{path.relative_to(ROOT)}::{function.name}"
                yield from (Shown(number, test, skipped) for name, number in marks if name == "requirement" and number)


def _mark(decorator: ast.expr) -> tuple[str, int]:
    call = decorator if isinstance(decorator, ast.Call) else None
    target = call.func if call else decorator
    name = target.attr if isinstance(target, ast.Attribute) else ""
    argument = call.args[0] if call and call.args else None
    return name, argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, int) else 0


def _row(number: int, words: str, shown: list[Shown]) -> str:
    status = "not shown" if not shown else "shown" if not any(one.skipped for one in shown) else "in part"
    return f"| {number} | {words} | {status} | {_named(one.test for one in shown)} |"


def _named(tests: Iterable[str]) -> str:
    return "<br>".join(f"`{one}`" for one in tests) or "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is out of date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("out of date: conformance.md; run docs/conformance.py")


if __name__ == "__main__":
    main()
