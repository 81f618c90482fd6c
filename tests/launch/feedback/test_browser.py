"""The page in a real browser: keys write the right lines, text of models does nothing, and no kill loses an answer."""

import contextlib
import errno
import functools
import http.server
import json
import shutil
import signal
import threading
import time

import pytest

from launch.feedback.pairs import Pair
from launch.feedback.store import PREFERENCES_FILE, UNDECIDED_FILE

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium with chromedriver (Debian: apt-get install chromium chromium-driver)"
)
PAIRS = [Pair(f"prompt {n}", f"first {n}", f"second {n}") for n in range(6)]
ATTACKS = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    "</textarea></pre></section><img src=x onerror='window.hacked = 1'>",
    "<svg onload=\"window.hacked = 1\"><a href='javascript:window.hacked=1' autofocus onfocus='window.hacked=1'>x</a>",
    "<iframe srcdoc='<script>parent.hacked = 1</script>'></iframe><style>*{display:none}</style>",
    "<base href='http://evil.example/'><meta http-equiv=refresh content='0;url=http://evil.example/'>",
    '"}};window.hacked=1;// \\u003cscript> ${window.hacked = 1} {{constructor}}',
]
# (code point, how it is shown); the joiner of the family stays.
HIDDEN = {"\u2028": "U+2028", "\u202e": "U+202E", "\u200b": "U+200B", "\x07": "U+0007", "\U000e0041": "U+E0041"}
FAMILY = "\U0001f468\u200d\U0001f469"


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def until(condition):
    """What the condition gives once it gives anything; a page that is being drawn anew counts as nothing yet."""
    while True:
        try:
            if found := condition():
                return found
        except WebDriverException:
            pass
        time.sleep(0.01)


def text(browser, name):
    return browser.find_element(By.ID, name).get_property("textContent")


def press(browser, key):
    """Presses a key and waits until its answer is kept."""
    before = text(browser, "answered")
    browser.find_element(By.TAG_NAME, "body").send_keys(key)
    until(lambda: text(browser, "answered") != before and is_in(browser, "ask", "done"))


def is_in(browser, *statuses):
    return browser.find_element(By.TAG_NAME, "body").get_attribute("data-status") in statuses


def open_page(browser, url):
    browser.get(url)
    until(lambda: is_in(browser, "ask", "done"))


def rows(folder, name):
    path = folder / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_keys_write_the_right_lines_and_undo_takes_them_back(browser, serve, tmp_path):
    with serve(PAIRS) as server:
        open_page(browser, server.url)
        expected = []
        for key in "aBtS":
            sides = [text(browser, "left"), text(browser, "right")]
            expected.append((text(browser, "prompt"), *(sides if key in "aA" else sides[::-1])))
            press(browser, key)
        assert text(browser, "answered") == "4 of 6 answered"
        assert "2 preferences, 1 tie, 1 skipped" in text(browser, "counts")
        kept = [(row["chosen"], row["rejected"]) for row in rows(tmp_path, PREFERENCES_FILE)]
        told = [[f"\n\nHuman: {prompt}\n\nAssistant: {said}" for said in sides] for prompt, *sides in expected[:2]]
        assert kept == [tuple(pair) for pair in told]
        undecided = [(row["prompt"], row["answer"]) for row in rows(tmp_path, UNDECIDED_FILE)]
        assert undecided == [("prompt 2", "tie"), ("prompt 3", "skip")]
        press(browser, "u")
        assert text(browser, "prompt") == "prompt 3" and len(rows(tmp_path, UNDECIDED_FILE)) == 1
        press(browser, "a")
        assert rows(tmp_path, PREFERENCES_FILE)[-1]["chosen"].startswith("\n\nHuman: prompt 3")
        # Keys with a modifier belong to the browser.
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ALT, "b")
        press(browser, "b")
        press(browser, "t")
        assert is_in(browser, "done") and "All pairs are answered" in text(browser, "pause")
        press(browser, "u")
        assert text(browser, "prompt") == "prompt 5"
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_buttons_are_reached_and_pressed_with_the_keyboard_alone_and_have_names(browser, serve, tmp_path):
    with serve(PAIRS) as server:
        open_page(browser, server.url)
        seen = []
        for _ in range(4):
            browser.switch_to.active_element.send_keys(Keys.TAB)
            focused = browser.switch_to.active_element
            seen.append(focused.accessible_name)
            assert browser.execute_script("return getComputedStyle(arguments[0]).outlineStyle", focused) == "solid"
        assert seen == ["A is better", "B is better", "T Tie", "S Skip"]
        browser.switch_to.active_element.send_keys(Keys.ENTER)
        until(lambda: text(browser, "answered") == "1 of 6 answered")
        assert rows(tmp_path, UNDECIDED_FILE)[0]["answer"] == "skip"
        for element in browser.find_elements(By.CSS_SELECTOR, "button, section, progress, [role]"):
            assert element.accessible_name or element.get_attribute("role") == "status"
        until(lambda: text(browser, "status") == "Kept: skipped. 1 of 6 answered.")


def test_text_of_models_is_shown_as_it_is_and_does_nothing(browser, serve, tmp_path):
    pairs = [Pair(attack, f"a {attack}", f"b {attack}") for attack in ATTACKS]
    with serve(pairs) as server:
        open_page(browser, server.url)
        for pair in pairs:
            assert text(browser, "prompt") == pair.prompt
            assert {text(browser, "left"), text(browser, "right")} == {pair.a, pair.b}
            assert browser.execute_script("return window.hacked") is None
            assert (
                browser.find_elements(By.CSS_SELECTOR, "main :is(script, img, svg, iframe, a, style, base, meta)") == []
            )
            assert browser.current_url == server.url and browser.find_element(By.ID, "left").is_displayed()
            press(browser, "a")
        assert browser.execute_script("return window.hacked") is None
        assert len(rows(tmp_path, PREFERENCES_FILE)) == len(pairs)
        # The policy would stop a script even if one came into the page.
        script = "const s = document.createElement('div'); try { s.innerHTML = '<b>x</b>' } catch (e) { return e.name }"
        assert browser.execute_script(script) == "TypeError"
        browser.get_log("browser")


def test_characters_that_hide_or_turn_text_are_shown_by_their_number(browser, serve):
    hidden = "".join(f"x{mark}y" for mark in HIDDEN)
    with serve([Pair(hidden, f"{FAMILY} a", "\u05e9\u05dc\u05d5\u05dd")]) as server:
        open_page(browser, server.url)
        assert text(browser, "prompt") == "".join(f"x{shown}y" for shown in HIDDEN.values())
        marks = browser.find_elements(By.CSS_SELECTOR, "#prompt .hidden-character")
        assert [mark.text for mark in marks] == list(HIDDEN.values())
        assert {text(browser, "left"), text(browser, "right")} == {f"{FAMILY} a", "\u05e9\u05dc\u05d5\u05dd"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_in_light_and_dark(browser, serve, scheme):
    long = "word " * 300 + "x" * 400
    with serve([Pair(long, f"a {long}", f"b {long}")]) as server:
        metrics = {"width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": True}
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        try:
            open_page(browser, server.url)
            assert browser.execute_script("return document.documentElement.scrollWidth") == 360
            for button in browser.find_elements(By.TAG_NAME, "button"):
                box = button.rect
                assert box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["height"] >= 44
            left, right = (browser.find_element(By.ID, name).rect for name in ("left", "right"))
            assert right["y"] > left["y"] + left["height"]
            light = "rgb(252, 251, 249)"
            found = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
            assert (found == light) == (scheme == "light")
        finally:
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_an_answer_waits_for_a_server_that_was_killed_and_is_kept_once(browser, start, pairs_file, tmp_path):
    path = pairs_file([pair.as_row for pair in PAIRS])
    folder = tmp_path / "run" / "feedback"
    arguments = (f"--workdir={tmp_path / 'run'}", f"--pairs_file={path}")
    binary = start(*arguments, "--port=0")
    open_page(browser, binary.url)
    press(browser, "a")
    binary.end(signal.SIGKILL)
    # Killed in the middle of a line, too.
    with open(folder / PREFERENCES_FILE, "ab") as file:
        file.write(b'{"chosen": "\\n\\nHuman: pro')
    shown = text(browser, "left")
    browser.find_element(By.TAG_NAME, "body").send_keys("a")
    until(lambda: "Not kept yet" in text(browser, "status"))
    assert text(browser, "left") == shown and text(browser, "answered") == "1 of 6 answered"
    # Started anew with another seed: sides of pairs not yet shown may change, the answer means what was on the screen.
    again = start(*arguments, f"--port={binary.port}", "--seed=1")
    until(lambda: text(browser, "answered") == "2 of 6 answered" and is_in(browser, "ask"))
    press(browser, "b")
    kept = rows(folder, PREFERENCES_FILE)
    assert len(kept) == 3 and kept[1]["chosen"] == f"\n\nHuman: prompt 1\n\nAssistant: {shown}"
    # Killed while it holds an answer that it has not kept: stopped first, so that the answer lies in its socket.
    again.process.send_signal(signal.SIGSTOP)
    browser.find_element(By.TAG_NAME, "body").send_keys("t")
    until(lambda: is_in(browser, "sending"))
    again.end(signal.SIGKILL)
    last = start(*arguments, f"--port={binary.port}")
    until(lambda: text(browser, "answered") == "4 of 6 answered" and is_in(browser, "ask"))
    assert len(rows(folder, UNDECIDED_FILE)) == 1
    for _ in range(2):
        press(browser, "s")
    assert is_in(browser, "done") and last.end() == 0
    ids = [row["id"] for name in (PREFERENCES_FILE, UNDECIDED_FILE) for row in rows(folder, name)]
    assert sorted(ids) == sorted(pair.id for pair in PAIRS)


def test_a_full_disk_is_told_and_the_answer_is_kept_once_there_is_room(browser, serve, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with serve(PAIRS) as server:
        open_page(browser, server.url)
        with monkeypatch.context() as patched:
            patched.setattr("launch.feedback.lines.os.pwrite", full)
            browser.find_element(By.TAG_NAME, "body").send_keys("t")
            until(lambda: "No space left on device" in text(browser, "status"))
            # Whatever else is pressed meanwhile, one answer at a time is on its way.
            browser.find_element(By.TAG_NAME, "body").send_keys("abu")
        until(lambda: text(browser, "answered") == "1 of 6 answered")
        assert [row["answer"] for row in rows(tmp_path, UNDECIDED_FILE)] == ["tie"]
        assert rows(tmp_path, PREFERENCES_FILE) == []
        browser.get_log("browser")


@contextlib.contextmanager
def other_site(folder):
    """The address of an empty page of another origin."""
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("<!doctype html><title>other</title>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder / "site")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_another_site_in_the_same_browser_can_neither_answer_nor_read(browser, serve, tmp_path):
    with serve(PAIRS) as server, other_site(tmp_path) as other:
        open_page(browser, server.url)
        shown = browser.find_element(By.ID, "question").get_attribute("data-pair")
        browser.get(other)
        script = """
        const [url, id, done] = arguments;
        const body = JSON.stringify({id, choice: "A", key: "k"});
        const headers = {"Content-Type": "application/json", "X-Feedback-Token": "guess"};
        Promise.allSettled([
          fetch(url + "api/state"), fetch(url),
          fetch(url + "api/answer", {method: "POST", body}),
          fetch(url + "api/answer", {method: "POST", body, mode: "no-cors"}),
          fetch(url + "api/answer", {method: "POST", body, headers}),
        ]).then(all => done(all.map(one => one.status === "fulfilled" ? one.value.type : "refused")));
        """
        found = browser.execute_async_script(script, server.url, shown)
        assert [one for one in found if one not in ("refused", "opaque")] == []
        assert rows(tmp_path, PREFERENCES_FILE) == []
