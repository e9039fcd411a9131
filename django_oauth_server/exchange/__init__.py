"""Token exchange (RFC 8693): who may exchange which tokens for what."""
