"""How the documentation is built: `sphinx-build -W -n docs site`."""

from importlib.metadata import version as version_of

project = "django-oauth-server"
copyright = "its contributors"
release = version = version_of(project)
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
