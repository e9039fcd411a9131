"""What the authorization server that stood here before knows: one file a source."""
