"""What a published site needs beside its pages: a page for lost readers, a sitemap, and an image to share."""

import textwrap
from pathlib import Path
from xml.sax.saxutils import escape

from helpers.course.links import GITHUB, remote_address

CARD = "card.png"
# The page for lost readers is shown at the address that they asked for, where its own links would lead nowhere.
BASE = """<script>
if (location.protocol !== "file:" && !location.pathname.endsWith("/404.html")) {
  const folder = location.hostname.endsWith(".github.io") ? location.pathname.split("/")[1] + "/" : "";
  document.write('<base href="/' + folder + '">');
}
</script>"""


def site_address() -> str:
    """Return where GitHub Pages publishes a site of the git remote `origin`; "" where there is none on GitHub."""
    try:
        owner, name = GITHUB.fullmatch(remote_address())[1].split("/")
    except ValueError:
        return ""
    return f"https://{owner.lower()}.github.io/{name}/"


def add_published(site: Path, address: str) -> None:
    """Add to a site what only a published one needs.

    Args:
        site: Folder of the built pages.
        address: Where it will be published; without one there is no sitemap, whose lines must be full addresses.
    """
    lost = site / "404.html"
    lost.write_text(lost.read_text(encoding="utf-8").replace("<head>", f"<head>\n{BASE}", 1), encoding="utf-8")
    if address:
        (site / "sitemap.xml").write_text(sitemap(site, address), encoding="utf-8")


def sitemap(site: Path, address: str) -> str:
    """List the pages for search engines.

    Args:
        site: Folder of the built pages.
        address: Where it is published.

    Returns:
        XML, with a line for each page but the search and the one for lost readers.
    """
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    kept = [name for name in names if name not in ("404.html", "search.html") and not name.startswith("_")]
    lines = "\n".join(f"<url><loc>{escape(address.rstrip('/') + '/' + name)}</loc></url>" for name in kept)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return f"{head}\n{lines}\n</urlset>\n"


def draw_card(path: Path, title: str, words: str, figures: list[Path]) -> None:
    """Draw the image that other sites show beside a link to this one, 1200 by 630 pixels.

    Args:
        path: Of the PNG.
        title: In large letters.
        words: Below it.
        figures: Image files, side by side at the bottom.
    """
    from PIL import Image, ImageDraw, ImageFont

    card = Image.new("RGB", (1200, 630), "white")
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 0, 1200, 14), fill="#0a7d91")
    draw.text((40, 44), title, fill="#1a1a1a", font=ImageFont.load_default(54))
    draw.multiline_text((40, 124), textwrap.fill(words, 88), fill="#444444", font=ImageFont.load_default(26), spacing=8)
    for place, figure in enumerate(figures):
        with Image.open(figure) as image:
            shown = image.convert("RGB")
        shown.thumbnail((550, 370))
        card.paste(shown, (40 + 570 * place, 240))
    path.parent.mkdir(parents=True, exist_ok=True)
    card.quantize(256).save(path, optimize=True)
