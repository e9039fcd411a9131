"""The address of the protected resources' metadata: `path("", include("django_oauth_server.resource.urls"))`, at the root.

`django_oauth_server.urls` brings it already.
"""

import re

from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.urls import re_path

from django_oauth_server.resource.locations import APP_NAME, SUFFIX
from django_oauth_server.resource.metadata import metadata

app_name = APP_NAME
_view = login_not_required(metadata)
for _alias in connections:  # no database is asked, so that ATOMIC_REQUESTS has nothing to open: the document is there while the database is away
    _view = transaction.non_atomic_requests(using=_alias)(_view)
urlpatterns = [re_path(rf"^{re.escape(SUFFIX)}(?P<suffix>/.*)?$", _view, name="metadata")]
