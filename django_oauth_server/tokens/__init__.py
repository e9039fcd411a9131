"""What is handed out: access and refresh tokens, minted, described, verified and revoked."""
