"""A person at an HTTP browser without scripts: signs in, and presses a button."""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin, urlsplit

import requests


class Person:
    """Who signs in with *password*, and allows."""

    def __init__(self, password: str) -> None:
        self.browser = requests.Session()
        self.password = password

    def answer(self, url: str, decision: str = "allow") -> str:
        """Where the browser is sent at the end, for the authorization request at *url*."""
        page = self.browser.get(url)
        if 'id="login"' in page.text:
            page = self._submit(page, username="demo", password=self.password)
        return self._submit(page, follow=False, decision=decision).headers["Location"]

    def _submit(self, page: requests.Response, *, follow: bool = True, **fields: str) -> requests.Response:
        form = re.search(r"<form method=\"post\".*?</form>", page.text, re.S)
        assert form, page.text
        action = re.search(r'action="([^"]*)"', form[0])
        hidden = re.findall(r'type="(?:hidden|checkbox)" name="(\w+)" value="([^"]*)"', form[0])
        target = urljoin(page.url, html.unescape(action[1])) if action else page.url
        headers = {"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(page.url))}
        data = [(name, html.unescape(value)) for name, value in hidden] + list(fields.items())
        return self.browser.post(target, data, headers=headers, allow_redirects=follow)
