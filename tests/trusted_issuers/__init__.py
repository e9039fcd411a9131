"""Assertions of issuers elsewhere (RFC 7523), as grants for people."""
