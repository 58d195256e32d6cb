"""Checks the site that was built: every link leads somewhere, and nothing of it comes from another host.

Usage: check.py FOLDER
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Written by other tools, which check their own links; links that lead into them are checked.
FOREIGN = "api"
LOADS = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[tuple[str, str, str]] = []
        self.anchors = {""}
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Takes what the tag links to, and its id."""
        for name, value in attributes:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append((tag, name, value))


class Site:
    """The pages of a folder, each read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.pages: dict[Path, Page] = {}
        self.external: set[str] = set()
        self.inside = 0
        self.pages_checked = 0

    def page(self, file: Path) -> Page:
        """Reads a page, or remembers it."""
        if file not in self.pages:
            self.pages[file] = Page(file)
        return self.pages[file]

    def problems(self) -> list[str]:
        """Returns what is wrong with every link that leads nowhere."""
        files = sorted(
            file for file in self.folder.rglob("*.html") if file.relative_to(self.folder).parts[0] != FOREIGN
        )
        found = []
        for file in files:
            for tag, name, link in self.page(file).links:
                problem = self.problem(file, (tag, name), link)
                if problem:
                    found.append(f"{file.relative_to(self.folder)}: {link}: {problem}")
        self.pages_checked = len(files)
        return found

    def problem(self, file: Path, where: tuple[str, str], link: str) -> str | None:
        """Returns why a link leads nowhere, if it does."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            if where in LOADS and parts.scheme != "data":
                return "loaded from another host"
            self.external.add(link)
            formed = (parts.scheme == "https" and "." in parts.netloc) or parts.scheme in ("data", "mailto")
            return None if formed else "no https address"
        self.inside += 1
        # The page of a missing file is shown at any depth, so its links begin at the root.
        base = self.folder if parts.path.startswith("/") else file.parent
        target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else file
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            return "no such file"
        if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in self.page(target).anchors:
            return "no such anchor"
        return None


if __name__ == "__main__":
    site = Site(Path(sys.argv[1]))
    wrong = site.problems()
    print(f"{site.pages_checked} pages, {site.inside} links inside, {len(site.external)} addresses outside")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(bool(wrong))
