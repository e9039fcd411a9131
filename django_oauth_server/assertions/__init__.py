"""What issuers elsewhere vouch for (RFC 7521, RFC 7523): their keys, what an assertion has to say, whom it is about, and the grant."""
