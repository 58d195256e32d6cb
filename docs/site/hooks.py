"""What MkDocs does not do by itself: pages that are made of other files, and links to the other references."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File
from mkdocs.structure.nav import Link, Section

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation

ROOT = Path(__file__).parents[2]
# Documents of the root of the tree, and the names of their pages.
PAGES = {"CHANGELOG.md": "changelog.md", "ARCHITECTURE.md": "architecture.md", "CONTRIBUTING.md": "contributing.md"}
# `make docs` puts them there.
REFERENCES = {"Node (TypeScript)": "api/node/index.html", "Rust": "api/rust/vambe/index.html"}
MODULES = {"vambe": "__init__.py", "vambe.testing": "testing.py"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made of other files."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=linked((ROOT / name).read_text())))
    files.append(File.generated(config, "reference-python.md", content=python_reference()))
    return files


def on_nav(nav: Navigation, **_: object) -> Navigation:
    """Adds the references that other tools write, before the contract."""
    reference = next(item for item in nav.items if isinstance(item, Section) and item.title == "Reference")
    reference.children[1:1] = [Link(title, url) for title, url in REFERENCES.items()]
    return nav


def on_post_page(output: str, **_: object) -> str:
    """Leaves out which tool wrote the page."""
    return re.sub(r'\s*<meta name="generator"[^>]*>', "", output)


def linked(text: str) -> str:
    """Makes links from the root of the tree links between pages."""
    text = re.sub(r"\]\(docs/", "](", text)
    for name, page in PAGES.items():
        text = text.replace(f"]({name}", f"]({page}")
    return text


def python_reference() -> str:
    """Lists every public name, so that none is forgotten."""
    parts = ["# Python reference", "Every public name, from its docstrings. The guide is [Python](python.md)."]
    for module, file in MODULES.items():
        parts.append(f"## Module {module}")
        parts += [f"::: {module}.{name}\n    options: {options(name)}" for name in public_names(file)]
    return "\n\n".join(parts) + "\n"


def options(name: str) -> str:
    """Returns how a name is shown: what all errors have in common stands at their parent."""
    if is_error(name) and name != "VambeError":
        return "{ heading_level: 3, members: false, show_signature: false }"
    return f"{{ heading_level: 3, show_bases: {str(is_error(name)).lower()} }}"


def is_error(name: str) -> bool:
    """Returns whether a public name is an exception."""
    return name.endswith("Error")


def public_names(file: str) -> list[str]:
    """Returns what a module of the package says it exports."""
    tree = ast.parse((ROOT / "python" / "vambe" / file).read_text())
    lists = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    )
    names = [name for name in ast.literal_eval(next(lists)) if not name.startswith("__")]
    return sorted(names, key=lambda name: (is_error(name), "Client" not in name))
