"""The address of the protected resources' metadata: `path("", include("django_oauth_server.resource.urls"))`, at the root.

`django_oauth_server.urls` brings it already.
"""

import re

from django.contrib.auth.decorators import login_not_required
from django.urls import re_path

from django_oauth_server.resource.locations import APP_NAME, SUFFIX
from django_oauth_server.resource.metadata import metadata

app_name = APP_NAME
urlpatterns = [re_path(rf"^{re.escape(SUFFIX)}(?P<suffix>/.*)?$", login_not_required(metadata), name="metadata")]
