"""The page of `status --html` in a real browser: no network, no script, light and dark."""

import pytest

NIGHT = '[lanes.default]\nzone = "UTC"\nwindows = [{ from = "23:00", until = "06:00" }]\n'
PLACE = {"TZ": "UTC"}


@pytest.fixture
def open_page(browser):
    """Opens a file without scripts; gives the page and what it asked for."""
    contexts = []

    def opened(path, scheme="light"):
        context = browser.new_context(java_script_enabled=False, color_scheme=scheme)
        contexts.append(context)
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page, asked

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def lane(call, home, requests, reviews, clock, tmp_path):
    """A lane at noon: one run with Anthropic, one that waits for the night; gives the page."""
    home.mkdir()
    (home / "backburner.toml").write_text(NIGHT)
    clock.sleep(86_400 - clock.now() % 86_400 + 12 * 3600)
    table = ("--prompt", "Judge: {{ text }}", "--model", "claude-haiku-4-5")
    away = call("enqueue", requests, "--within", "1h", "--json", environment=PLACE)
    call("drain", environment=PLACE)
    waits = call("enqueue", reviews, *table, "--by", "07:00", "--json", environment=PLACE)
    path = tmp_path / "status.html"
    said = call("status", "--html", path, environment=PLACE)
    assert said.code == 0
    assert f"the page is in {path}" in said.out
    return path, away.json["run"], waits.json["run"]


def rows(page, title):
    section = page.locator("section", has=page.get_by_role("heading", name=title, exact=True))
    return [row.inner_text() for row in section.locator("tbody tr").all()]


def test_the_page_tells_what_waits_travels_and_was_promised(lane, open_page):
    path, away, waits = lane

    page, asked = open_page(path)

    [waiting] = rows(page, "Waiting")
    [travelling] = rows(page, "With Anthropic")
    deadlines = rows(page, "Deadlines")
    assert waits in waiting
    assert "waiting for window" in waiting
    assert "23:00" in waiting
    assert away in travelling
    assert "7 min to 1 h 51 min" in travelling
    assert "at risk" in deadlines[0]
    assert "07:00" in deadlines[1]
    assert rows(page, "Windows")[0].startswith("23:00")
    assert any(row.startswith("paid") for row in rows(page, "Money"))
    assert asked == [path.as_uri()]


def test_the_page_is_dark_where_the_reader_wants_it(lane, open_page):
    shades = [
        open_page(lane[0], scheme)[0]
        .locator("body")
        .evaluate("body => getComputedStyle(body).backgroundColor")
        for scheme in ("light", "dark")
    ]

    assert shades == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


def test_a_miss_is_told_and_markup_of_users_is_text(call, clock, tmp_path, open_page):
    name = tmp_path / "<b>bold.jsonl"
    name.write_text(
        '{"custom_id": "a", "params": {"model": "claude-haiku-4-5", "max_tokens": 9,'
        ' "messages": [{"role": "user", "content": "good"}]}}\n'
    )
    call("enqueue", name, "--within", "5m", "--budget", "0.0000001")
    call("drain")
    clock.sleep(400)
    call("drain")
    path = tmp_path / "status.html"
    call("status", "--html", path)

    page, _ = open_page(path)

    [deadline] = rows(page, "Deadlines")
    assert "missed: waited for a budget" in deadline
    assert "<b>bold.jsonl" in deadline
    assert page.locator("td b").count() == 0


def test_a_file_that_is_no_page_of_ours_is_left_alone(call, tmp_path):
    path = tmp_path / "mine.html"
    path.write_text("mine")

    refused = call("status", "--html", path)
    forced = call("status", "--html", path, "--force")
    again = call("status", "--html", path)

    assert "is no page of ours" in refused.err
    assert (forced.code, again.code) == (0, 0)
    assert "Backburner" in path.read_text()
