"""Where an access token is verified: one file a place."""
