"""How an access token looks on the wire: one file a format."""
