"""What the answer holds: one file a response type (RFC 6749 section 3.1.1)."""
