"""A person at an HTTP browser without scripts: signs in, and presses a button."""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin, urlsplit

import requests


class Person:
    """Who signs in with *password*, and allows."""

    def __init__(self, password: str, username: str = "demo") -> None:
        self.browser = requests.Session()
        self.browser.headers["Connection"] = "close"  # a server may end an idle one just as it is used again
        self.username = username
        self.password = password

    def answer(self, url: str, decision: str = "allow") -> str:
        """Where the browser is sent at the end, for the authorization request at *url*."""
        return self._submit(self._signed_in(url), follow=False, decision=decision).headers["Location"]

    def is_sent(self, url: str) -> str:
        """Where the browser is sent for the authorization request at *url*, which asks nothing."""
        return self.browser.get(url, allow_redirects=False).headers["Location"]

    def connects(self, url: str, *, code: str = "", decision: str = "allow") -> requests.Response:
        """The page at the end, for who goes to *url*, which a device shows, types its *code* unless the address has it, and compares it."""
        page = self._signed_in(url)
        if code:
            page = self._submit(page, user_code=code)
        page = self._submit(page, decision="continue")
        return self._submit(page, decision=decision) if f'id="{decision}"' in page.text else page

    def visit(self, url: str) -> requests.Response:
        """The page at the end of all that begins at *url*, a relying party's."""
        page = self._signed_in(url)
        return self._submit(page, decision="allow") if 'id="allow"' in page.text else page

    def takes_back(self, apps: str) -> None:
        """Remove every app that *apps*, the page of connected apps, lists."""
        for link in re.findall(r'href="([^"]+/remove)"', self.browser.get(apps).text):
            page = self.browser.get(urljoin(apps, link))
            token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]*)"', page.text)
            self.browser.post(page.url, {"csrfmiddlewaretoken": token}, headers={"Referer": page.url})

    def leave(self, url: str) -> requests.Response:
        """The page at the end, for who begins at *url*, a relying party's, to sign out there and at the provider."""
        return self._submit(self.browser.get(url), decision="sign_out")

    def leaves_for(self, url: str) -> str:
        """Where the browser is sent at the end, for who follows *url* to sign out."""
        return self._submit(self.browser.get(url), follow=False, decision="sign_out").headers["Location"]

    def _signed_in(self, url: str) -> requests.Response:
        page = self.browser.get(url)
        return self._submit(page, username=self.username, password=self.password) if 'id="login"' in page.text else page

    def _submit(self, page: requests.Response, *, follow: bool = True, **fields: str) -> requests.Response:
        form = re.search(r"<form method=\"post\".*?</form>", page.text, re.S)
        assert form, page.text
        action = re.search(r'action="([^"]*)"', form[0])
        hidden = re.findall(r'type="(?:hidden|checkbox)" name="(\w+)" value="([^"]*)"', form[0])
        target = urljoin(page.url, html.unescape(action[1])) if action else page.url
        headers = {"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(page.url))}
        data = [(name, html.unescape(value)) for name, value in hidden] + list(fields.items())
        return self.browser.post(target, data, headers=headers, allow_redirects=follow)
