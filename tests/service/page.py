"""The page in a real browser (Debian's chromium) against a running server.

Usage: page.py BASE_URL CHROMIUM FOLDER_FOR_SCREENSHOTS
"""

import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

BASE, CHROMIUM, SHOTS = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
SHOTS.mkdir(parents=True, exist_ok=True)
PATIENCE = 240_000


def shot(page, name):
    page.screenshot(path=SHOTS / f"{name}.png")


def accessible(page, where):
    found = Axe().run(page).response["violations"]
    assert not found, (where, [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found])


def ask(page, question):
    turns = page.locator(".turn").count()
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").nth(turns)
    expect(turn.locator(".badge")).to_be_attached(timeout=PATIENCE)
    return turn


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    # Colours are measured when nothing moves.
    still = {"reduced_motion": "reduce"}
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", **still)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)

    page.goto(BASE)
    expect(page.locator(".welcome h2")).to_be_visible()
    accessible(page, "first page")
    shot(page, "first")

    # Ask, hover and click a citation: the marked text is the quote.
    turn = ask(page, "How long are the seals of a V3 under warranty?")
    expect(turn.locator(".answer")).to_contain_text("12 months")
    cite = turn.locator(".answer .cite").first
    cite.hover()
    expect(page.locator("#quote")).to_contain_text("12 months")
    shot(page, "answered")
    cite.click()
    marked = page.locator("#reader-body mark")
    expect(marked.first).to_be_visible()
    assert "12 months" in " ".join(marked.all_inner_texts()), marked.all_inner_texts()
    accessible(page, "document open")
    shot(page, "document")
    page.keyboard.press("Escape")
    expect(page.locator("#reader")).to_be_hidden()

    # A follow-up is understood, and says how.
    turn = ask(page, "And of the V3S?")
    expect(turn.locator(".understood")).to_contain_text("V3S under warranty")
    shot(page, "follow-up")

    # A refusal helps: the closest passages.
    turn = ask(page, "Who won the football world cup in 1998?")
    expect(turn.locator(".badge.refused")).to_be_attached()
    assert turn.locator(".sources li").count() >= 1
    accessible(page, "refused")
    shot(page, "refused")

    # Upload, find, remove, undo.
    page.goto(f"{BASE}/#/library")
    note = {"name": "kettle.md", "mimeType": "text/markdown", "buffer": b"# Kettle\n\nThe kettle holds 1.7 litres.\n"}
    page.locator("#files").set_input_files(note)
    row = page.locator("#documents li", has_text="kettle").first
    expect(row).to_be_visible(timeout=60_000)
    accessible(page, "library")
    shot(page, "library")
    row.get_by_role("button", name="Remove").click()
    expect(page.locator("#documents li", has_text="kettle")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#documents li", has_text="kettle")).to_have_count(1, timeout=60_000)

    # Chinese, dark, on a phone.
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", color_scheme="dark", has_touch=True, **still
    ).new_page()
    phone.on("pageerror", lambda error: faults.append(str(error)))
    phone.goto(BASE)
    expect(phone.locator(".welcome h2")).to_have_text("您的文档怎么说？")
    turn = ask(phone, "手机上显示 E-4052，怎么处理？")
    expect(turn.locator(".answer")).to_contain_text("重新授权")
    wide = phone.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide, "the page is wider than the phone"
    accessible(phone, "phone")
    shot(phone, "phone-dark-chinese")
    turn.locator(".answer .cite").first.click()
    expect(phone.locator("#reader-body mark").first).to_be_visible()
    shot(phone, "phone-document")

    assert not faults, faults
    browser.close()
print("page: ok")
