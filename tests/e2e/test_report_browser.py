"""The rendered report in a real browser: nothing fetched, nothing overflowing, readable in light and dark, on phone and desk.

Needs Chromium with its driver and selenium; skipped with the reason where one of them is missing.
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest

from ganzoo.judge.references import load_document
from ganzoo.judge.self_consistency import self_checks
from ganzoo.report import read_entries, render, render_evaluation, render_index

BUILDERS = Path(__file__).resolve().parents[1] / "unit" / "report"
IYENGAR = Path(__file__).resolve().parents[2] / "reference_results" / "published" / "iyengar.yaml"
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
VIEWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
PAGES = ["demo.html", "demo-cpu.html", "watched.html", "evaluator.html", "index.html"]

# Every visible text, its colour against the backgrounds behind it (translucent ones blended), as WCAG 2 measures contrast.
LOW_CONTRAST = """
const parse = (c) => {
  const n = (c.match(/[\\d.]+/g) || []).map(Number);
  return n.length < 3 ? [0, 0, 0, 0] : [n[0], n[1], n[2], n[3] ?? 1];
};
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = (c) => [0, 1, 2].map((i) => { const v = c[i] / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (el) => { const stack = []; for (let e = el; e; e = e.parentElement) stack.push(parse(getComputedStyle(e).backgroundColor));
  return stack.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]); };
const shown = (el) => el.checkVisibility({ contentVisibilityAuto: true }) && !el.closest(".sr, .skip, script, style, title");
const low = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walker.nextNode()) {
  const el = walker.currentNode.parentElement, told = walker.currentNode.textContent.trim();
  if (!told || !shown(el)) continue;
  const style = getComputedStyle(el), size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 600;
  const below = behind(el), text = over(parse(el.closest("svg") ? style.fill : style.color), below);
  const [a, b] = [light(text), light(below)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
  seen += 1;
  if (ratio < (size >= 24 || (bold && size >= 18.66) ? 3 : 4.5)) low.push([ratio.toFixed(2), told.slice(0, 40)]);
}
return { seen, low };
"""
UNFOLD = "document.querySelectorAll('details').forEach((d) => (d.open = true))"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    service = importlib.import_module("selenium.webdriver.chrome.service")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    chromedriver = shutil.which("chromedriver")
    if not browser or not chromedriver:
        pytest.skip(f"no {'chromedriver' if browser else 'Chromium'} on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=service.Service(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A whole report, one at a smaller tier on stand-in data without pictures, one with all that is watched and self-checks,
    hostile ones, an evaluator's, and the index.
    """
    sys.path.insert(0, str(BUILDERS))
    try:
        world, evaluator = (importlib.import_module(name) for name in ("report_builders", "evaluator_builders"))
    finally:
        sys.path.remove(str(BUILDERS))
    folder = tmp_path_factory.mktemp("pages")
    out, records = folder / "out", world.records()
    world.write_samples(folder / "results", records)
    spec = world.spec(folder)
    render(spec, world.judgement(records, numbers=True), records, out, results=folder / "results")
    cpu = [record | {"tier": "cpu"} for record in records]
    render(spec, world.judgement(cpu, tier="cpu", stand_in="MNIST"), cpu, out, results=None)
    watched = world.balanced(world.watched(records))
    own = [check.as_dict() for check in self_checks(load_document(IYENGAR))]
    ended = world.ended(world.judgement(watched)) | {"spec": "watched", "self_checks": own}
    render(world.spec(folder, name="watched"), ended, watched, out, results=None)
    render_evaluation(evaluator.measured(), evaluator.pictures(), out / "evaluator.html")
    render_index(read_entries(out), out)
    hostile = world.judgement(records)
    for claim in hostile["claims"]:
        claim |= {"text": world.HOSTILE, "reason": world.HOSTILE * 3, "label": "word" * 60, "where": "x" * 300}
    render(world.spec(folder, name="hostile"), hostile, records, folder / "hostile", results=None)
    told = evaluator.measured(stored=f"photos/{world.HOSTILE}{'x' * 300}") | {"command": "word" * 60}
    told["protocol"] |= {"name": f"own@{world.HOSTILE}.{'y' * 200}", "labels": {"frechet": "z" * 200}}
    render_evaluation(told, evaluator.pictures(), folder / "hostile" / "evaluator.html")
    return out


def show(driver, page: Path, width: int = 1280, scheme: str = "light", unfolded: bool = True):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [{"name": "prefers-color-scheme", "value": scheme}]})
    driver.get(page.as_uri())
    if unfolded:
        driver.execute_script(UNFOLD)


def overflow(driver) -> list[str]:
    """The elements that make the page scroll sideways, or none; what scrolls in its own box does not."""
    return driver.execute_script("""
        const page = document.documentElement;
        if (page.scrollWidth <= page.clientWidth) return [];
        const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > page.clientWidth + 1);
        return wide.slice(0, 10).map((e) => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 30)}`).concat(page.scrollWidth);
    """)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_fits_its_width(driver, pages, name, width, scheme):
    show(driver, pages / name, width, scheme)
    assert driver.execute_script("return innerWidth") == width
    assert not overflow(driver)


@pytest.mark.parametrize("name", ["hostile.html", "evaluator.html"])
@pytest.mark.parametrize("width", [390, 1280])
def test_long_and_hostile_words_do_not_widen_the_page(driver, pages, width, name):
    show(driver, pages.parent / "hostile" / name, width)
    assert not overflow(driver)
    assert "alert('x')" in driver.find_element("tag name", "main").text


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(driver, pages, name, scheme):
    show(driver, pages / name, scheme=scheme)
    found = driver.execute_script(LOW_CONTRAST)
    assert found["seen"] > 10 and found["low"] == []


def test_the_contrast_test_sees_faint_text(driver, pages):
    show(driver, pages / "demo.html")
    driver.execute_script("document.querySelector('.lead').style.color = '#bbb'; document.querySelector('.chart text').style.fill = '#ccc'")
    assert len(driver.execute_script(LOW_CONTRAST)["low"]) == 2


def test_dark_is_dark_and_print_is_light(driver, pages):
    background = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    show(driver, pages / "demo.html", scheme="dark")
    assert max(driver.execute_script(background)) < 60
    show(driver, pages / "demo.html", scheme="light")
    assert min(driver.execute_script(background)) > 200
    dark_printer = {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark_printer)
    assert min(driver.execute_script(background)) > 200
    assert not driver.find_element("css selector", ".nav").is_displayed()


def test_print_shows_what_is_folded(driver, pages):
    show(driver, pages / "demo.html", width=700, unfolded=False)
    raw = driver.find_element("xpath", "//details[summary[contains(., 'Raw values')]]//td")
    assert not raw.is_displayed()
    driver.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert raw.is_displayed()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert not overflow(driver)
    driver.execute_script("dispatchEvent(new Event('afterprint'))")
    assert driver.execute_script("return document.querySelectorAll('details[open]').length") == 0


def test_verdicts_are_in_sight_at_once(driver, pages):
    for width in (390, 1280):
        show(driver, pages / "demo.html", width, unfolded=False)
        tiles = driver.find_elements("css selector", ".tile")
        assert [t.text.split()[:2] for t in tiles[:3]] == [["2", "holds"], ["1", "contradicted"], ["2", "inconclusive"]]
        assert all(tile.location["y"] + tile.size["height"] < 900 for tile in tiles)


def test_all_pictures_load(driver, pages):
    show(driver, pages / "demo.html")
    sizes = driver.execute_script("return [...document.images].map((i) => [i.complete, i.naturalWidth, i.clientWidth])")
    assert len(sizes) == 6 and all(complete and natural == 240 and shown > 100 for complete, natural, shown in sizes)


def test_events_stand_in_their_panel_in_three_colours(driver, pages):
    show(driver, pages / "watched.html")
    marks = driver.execute_script("""
        return [...document.querySelectorAll("svg .mark")].map((mark) => {
          const box = mark.closest("svg").getBoundingClientRect(), own = mark.getBoundingClientRect();
          const inside = own.left >= box.left - 1 && own.right <= box.right + 1 && own.top >= box.top - 1 && own.bottom <= box.bottom + 1;
          return [inside && own.height > 50, getComputedStyle(mark.querySelector("path")).fill];
        });
    """)
    assert len(marks) == 18 and all(inside for inside, _ in marks) and len({colour for _, colour in marks}) == 3


def test_keyboard_reaches_wide_tables_and_links(driver, pages):
    show(driver, pages / "demo.html", 390)
    focus = "arguments[0].focus(); return document.activeElement === arguments[0]"
    boxes = driver.find_elements("css selector", ".scroll")
    assert boxes and all(driver.execute_script(focus, box) for box in boxes)
    wide = "return [...document.querySelectorAll('.scroll')].filter((b) => b.scrollWidth > b.clientWidth).length"
    assert driver.execute_script(wide) > 3


@pytest.mark.parametrize("name", [*PAGES, "../hostile/hostile.html", "../hostile/evaluator.html"])
def test_nothing_is_requested_and_nothing_complains(driver, pages, name):
    driver.get_log("performance")
    driver.get_log("browser")
    show(driver, pages / name)
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    own = (pages / name).resolve().as_uri()
    assert own in asked, "the log misses even the page itself"
    assert not [url for url in asked if url != own and not url.startswith("data:")]
    assert driver.get_log("browser") == []


def test_index_leads_to_the_reports(driver, pages):
    show(driver, pages / "index.html")
    driver.find_element("link text", "Dense GAN on MNIST, one change at a time").click()
    assert driver.title == "Dense GAN on MNIST, one change at a time · ganzoo"
    driver.find_element("css selector", ".crumbs a").click()
    assert driver.title == "ganzoo reports"
