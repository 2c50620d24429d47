"""A page whose complaints are collected: console errors, exceptions, policy violations."""

from __future__ import annotations

from playwright.sync_api import Page

from tests import make


class Watched:
    def __init__(self, page: Page, web: str) -> None:
        self.page = page
        self.web = web
        self.complaints: list[str] = []
        page.on("console", lambda message: self.note(message.type, message.text))
        page.on("pageerror", lambda error: self.note("error", str(error)))
        page.on("dialog", lambda dialog: (self.note("error", f"dialog {dialog.message}"), dialog.dismiss()))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (e) => console.error('policy', e.violatedDirective, e.blockedURI));"
        )

    def note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def sign_in(self, username: str) -> None:
        self.page.goto(f"{self.web}/accounts/login/")
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", make.PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "login" not in url)

    def open(self, path: str) -> None:
        self.page.goto(self.web + path)
