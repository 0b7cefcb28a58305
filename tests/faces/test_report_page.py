"""The report's page in a real browser: it asks nobody for anything, and its sums are the JSON's."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from backburner.report.spending import STAIRCASE

from .conftest import MODEL, Said

STEPS = [step for step in STAIRCASE if not step.is_rare]
FIGURES = {
    "the same calls sync": "sync_equivalent_usd",
    **{f"saved by {step.words}": f"saved_by_{step.name}_usd" for step in STEPS},
    "paid": "paid_usd",
    "spent on retries": "spent_on_retries_usd",
    "wasted": "wasted_usd",
}
COLUMNS = {
    "sync": "sync_equivalent_usd",
    **{step.words: f"saved_by_{step.name}_usd" for step in STEPS},
    "paid": "paid_usd",
    "retries": "spent_on_retries_usd",
    "wasted": "wasted_usd",
}


@dataclass
class Seen:
    """A page as it stands in the browser, and what it asked for and said while it was opened."""

    page: Any
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def exact(self, selector: str, name: str) -> dict[str, str]:
        """The exact amounts of elements, by one of their attributes."""
        found = self.page.locator(selector).all()
        pairs = ((one.get_attribute(name), one.get_attribute("data-usd")) for one in found)
        return {key: amount for key, amount in pairs if amount is not None}


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Seen]]:
    """Opens files in the browser; everything that leaves a page is noted, and none gets far."""
    contexts = []

    def opened(path: Path, **options: Any) -> Seen:
        context = browser.new_context(**options)
        contexts.append(context)
        context.route(re.compile("^(?!file:)"), lambda route: route.abort())
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.said.append(message.text))
        seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
        seen.page.goto(path.as_uri())
        return seen

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("words", [(), ("--run",), ("--by", "day"), ("--by", "tag")])
def test_a_page_asks_nobody_for_anything_and_its_sums_are_the_jsons(
    call: Callable[..., Said],
    done: str,
    look: Callable[..., Seen],
    tmp_path: Path,
    words: tuple[str, ...],
    scheme: str,
) -> None:
    path = tmp_path / "report.html"
    chosen = (*words, done) if words == ("--run",) else words
    found = call("report", *chosen, "--html", path, "--json").json

    seen = look(path, color_scheme=scheme)

    assert seen.requests == [path.as_uri()]
    assert seen.said == []
    total = {label: found["total"][name] for label, name in FIGURES.items()}
    assert seen.exact("[data-figure]", "data-figure") == total
    rows = seen.page.locator("tbody tr").count()
    assert rows == len(found["groups"]) == 1
    for row, group in (("tbody", found["groups"][0]), ("tfoot", found["total"])):
        cells = seen.exact(f"{row} [data-column]", "data-column")
        assert cells == {column: group[name] for column, name in COLUMNS.items()}


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_staircase_is_drawn_with_the_amounts_that_are_told(
    call: Callable[..., Said], look: Callable[..., Seen], tmp_path: Path, scheme: str
) -> None:
    path = tmp_path / "report.html"
    call("report", "--html", path)

    page = look(path, color_scheme=scheme).page

    chart = "echarts.getInstanceByDom(document.getElementById('staircase'))"
    labels = page.evaluate(f"{chart}.getOption().series[1].data.map(bar => bar.label.formatter)")
    colours = page.evaluate(
        "new Set(new Uint32Array(document.querySelector('#staircase canvas').getContext('2d')"
        ".getImageData(0, 0, 800, 500).data.buffer)).size"
    )
    paid = page.locator("[data-figure=paid]").inner_text().split()[0]
    sync = page.locator("[data-figure='the same calls sync']").inner_text().split()[0]
    assert (labels[0], labels[-1]) == (sync, paid)
    assert colours > len(labels)


@pytest.mark.usefixtures("done")
def test_the_page_is_dark_on_a_dark_screen_and_light_on_paper(
    call: Callable[..., Said], look: Callable[..., Seen], tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    call("report", "--html", path)
    ground = "getComputedStyle(document.body).backgroundColor"
    page = look(path, color_scheme="dark").page

    on_screen = page.evaluate(ground)
    page.emulate_media(media="print", color_scheme="dark")
    on_paper = page.evaluate(ground)

    assert (on_screen, on_paper) == ("rgb(13, 17, 23)", "rgb(255, 255, 255)")


@pytest.mark.usefixtures("done")
def test_a_page_that_asks_for_something_is_found_out(
    call: Callable[..., Said], look: Callable[..., Seen], tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    call("report", "--html", path)
    text = path.read_text(encoding="utf-8")
    open_text = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", text)
    elsewhere = "http://127.0.0.1:9/picture.png"
    path.write_text(open_text.replace("</body>", f'<img src="{elsewhere}"></body>'))

    seen = look(path)

    assert seen.requests == [path.as_uri(), elsewhere]


def test_names_from_outside_are_text_on_the_page_and_never_markup(
    call: Callable[..., Said], look: Callable[..., Seen], tmp_path: Path
) -> None:
    source = tmp_path / "<img src=x onerror=alert(1)>.csv"
    source.write_text("text\na good film\n")
    call("run", source, "--prompt", "{{ text }}", *MODEL, "-o", tmp_path / "out.csv", "--yes")
    path = tmp_path / "report.html"
    call("report", "--html", path)

    seen = look(path)

    assert seen.page.locator("img").count() == 0
    assert "<img src=x onerror=alert(1)>.csv" in seen.page.locator("tbody td").first.inner_text()
    assert (seen.requests, seen.said) == ([path.as_uri()], [])
