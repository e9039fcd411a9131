"""mysite/models.py, as the page has it."""

from tests.mysite.page import FILES

exec(compile(FILES["models"], "docs/extending.md", "exec"))
