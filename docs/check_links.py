"""Check the local links of the Markdown files: each must lead to a file and a heading."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def anchors(page: str) -> set[str]:
    """Return the anchor of each heading, as GitHub and MyST write it."""
    words = (re.sub(r"[^\w\- ]", "", title.strip().lower()) for title in HEADING.findall(page))
    return {word.replace(" ", "-") for word in words}


def read(path: Path) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def problems(path: Path) -> list[str]:
    """Return one line for each link of a page that leads nowhere."""
    found = []
    for link in LINK.findall(read(path)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists():
            found.append(f"{path.relative_to(ROOT)}: {link}: no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(read(target)):
            found.append(f"{path.relative_to(ROOT)}: {link}: no such heading")
    return found


def main() -> int:
    """Print every broken link; return 1 if there is one."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").glob("*.md")]
    broken = [line for page in sorted(pages) for line in problems(page)]
    print("\n".join(broken) or f"{len(pages)} pages: every local link leads somewhere")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
