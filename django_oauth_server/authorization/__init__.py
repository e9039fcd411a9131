"""Asking the resource owner: request, checks, prompts, answers (RFC 6749 section 3.1)."""
