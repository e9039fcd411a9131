"""How the documentation is built: `sphinx-build -W -n docs site`."""

project = "django-oauth-server"
copyright = "its contributors"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_copy_source = False
