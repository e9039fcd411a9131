"""The authorization server, and a view that it protects."""

from tests.contracts.test_seams import urlpatterns as protected
from tests.urls import urlpatterns as project

urlpatterns = [*protected, *project]
