"""Client authentication methods (RFC 6749 section 2.3): one file a method."""
