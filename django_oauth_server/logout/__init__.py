"""The end of a sign-in session: who asks for it, and who is told."""
