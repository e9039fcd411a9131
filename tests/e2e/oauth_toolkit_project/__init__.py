"""A project that is on django-oauth-toolkit, and moves."""
