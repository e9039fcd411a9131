"""A Django project whose people sign in elsewhere: settings.py, and what each library adds."""
