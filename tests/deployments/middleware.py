"""A project's own sign-in middleware."""

from django.contrib.auth.middleware import LoginRequiredMiddleware


class MembersOnly(LoginRequiredMiddleware):
    """As docs/ninja.md has it: django-ninja's views cannot be marked as exempt."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        if request.path_info.startswith("/api/ninja/"):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)
