"""The project's own pages have the language in their path."""

from django.conf.urls.i18n import i18n_patterns

from tests.deployments.urls import machines, people

urlpatterns = [*machines, *i18n_patterns(*people)]
