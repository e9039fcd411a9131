"""The keys with which the issuer signs, and the secrets that it derives."""
