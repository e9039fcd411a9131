"""What the parameters of a token request prove: one file a grant type (RFC 6749 section 4)."""
