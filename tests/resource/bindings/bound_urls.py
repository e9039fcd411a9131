"""Routes of which none takes anything but a bound token."""

from django.urls import path

from tests.resource.bindings.seal import RestBound, bound

urlpatterns = [path("rest-bound", RestBound.as_view()), path("bound", bound)]
