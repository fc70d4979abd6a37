"""The page of a server that wants a key.

Usage: door.py BASE_URL CHROMIUM KEY FOLDER_FOR_SCREENSHOTS
"""

import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

BASE, CHROMIUM, KEY, SHOTS = sys.argv[1], sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])
SHOTS.mkdir(parents=True, exist_ok=True)

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", reduced_motion="reduce").new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(BASE)
    door = page.locator("#door")
    expect(door).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert not found, [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found]
    page.locator("#door-key").fill("attest-wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#door-error")).to_contain_text("not valid")
    page.screenshot(path=SHOTS / "door.png")
    page.locator("#door-key").fill(KEY)
    page.keyboard.press("Enter")
    expect(door).to_be_hidden()
    expect(page.locator("#recent")).to_contain_text("3 documents")

    # The key is kept: pictures, downloads and streams go with it.
    page.reload()
    page.locator("#question").fill("How long does the K2 battery last?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn .answer")).to_contain_text("14 hours", timeout=240_000)
    page.goto(f"{BASE}/#/history")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as Markdown").click()
    assert "14 hours" in pathlib.Path(saved.value.path()).read_text()
    page.goto(f"{BASE}/#/library")
    expect(page.locator("#documents li")).to_have_count(3)
    expect(page.locator("#drop")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    expect(door).to_be_visible()
    assert not faults, faults
    browser.close()
print("door: ok")
