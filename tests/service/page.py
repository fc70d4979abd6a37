"""The page in a real browser (Debian's chromium) against a running server.

Usage: page.py BASE_URL CHROMIUM FOLDER_FOR_SCREENSHOTS SITE

SITE is an origin that the server allows; what stands there is made up here.
"""

import pathlib
import re
import sys
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

BASE, CHROMIUM, SHOTS, SITE = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
SHOTS.mkdir(parents=True, exist_ok=True)
PATIENCE = 240_000
DONE = ".status.grounded, .status.partial, .status.not_found"


# Adds up how much moves that nobody moved (Cumulative Layout Shift).
SHIFTS = """() => {
    window.shifted = 0;
    const add = (list) => list.getEntries().forEach((shift) => { if (!shift.hadRecentInput) window.shifted += shift.value; });
    new PerformanceObserver(add).observe({ type: "layout-shift" });
}"""


def shot(page, name):
    page.screenshot(path=SHOTS / f"{name}.png")


def at_rest(page, canvas):
    """The picture, once it does not change any more."""
    for _ in range(100):
        before = canvas.evaluate("canvas => canvas.toDataURL()")
        page.wait_for_timeout(200)
        if canvas.evaluate("canvas => canvas.toDataURL()") == before:
            return before
    raise AssertionError("the picture does not come to rest")


def accessible(page, where):
    found = Axe().run(page).response["violations"]
    assert not found, (where, [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found])


def ask(page, question):
    turns = page.locator(".turn").count()
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").nth(turns)
    expect(turn.locator(DONE)).to_be_attached(timeout=PATIENCE)
    return turn


with sync_playwright() as playwright:
    # What stands at SITE is made up; the browser would take it for a stranger's from outside.
    flags = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    # Colours are measured when nothing moves.
    still = {"reduced_motion": "reduce"}
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", **still)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)

    page.goto(BASE)
    expect(page.locator(".welcome h2")).to_be_visible()
    expect(page.locator("#recent a").first).to_be_visible()
    # The best of some, with room for other work on the machine; idle, it is well below 300 ms.
    paints = []
    for _ in range(4):
        page.reload()
        expect(page.locator("#recent a").first).to_be_visible()
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    assert min(paints) < 1500, f"first paint after {paints} ms"
    page.evaluate(SHIFTS)
    accessible(page, "first page")
    shot(page, "first")

    # Ask, hover and click a citation: the marked text is the quote.
    turn = ask(page, "How long are the seals of a V3 under warranty?")
    expect(turn.locator(".answer")).to_contain_text("12 months")
    shifted = page.evaluate("window.shifted")
    assert shifted < 0.01, f"the page moved by {shifted} while it was streaming"
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

    # The link leads to the stored answer, with its citations.
    answer = page.locator(".turn").first
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer.get_by_role("button", name="Link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"#/answer/[0-9a-f]{16}$", link), link
    other = context.new_page()
    other.goto(link)
    expect(other.locator(".turn .answer")).to_contain_text("12 months")
    expect(other.locator(".turn")).to_contain_text("A stored answer")
    other.locator(".turn .answer .cite").first.click()
    expect(other.locator("#reader-body mark").first).to_be_visible()
    shot(other, "shared-answer")

    # The document has changed since: what was cited is found where it stands now, or it is said that it is gone.
    def amended(change):
        def fulfil(route):
            content = route.fetch().json()
            text, blocks = content["text"], content["blocks"]
            content["text"] = change(text)
            by = len(content["text"].encode()) - len(text.encode())
            content["blocks"] = [{**b, "span": [at + by for at in b["span"]]} for b in blocks]
            route.fulfill(json=content)

        return fulfil

    for change, seen in [(lambda text: "A line more.\n" + text, True), (lambda text: text.replace("12", "24"), False)]:
        other.route("**/content", amended(change), times=1)
        other.locator(".turn .answer .cite").first.click()
        if seen:
            expect(other.locator("#reader-body mark").first).to_be_visible()
            assert "12 months" in " ".join(other.locator("#reader-body mark").all_inner_texts())
            expect(other.locator(".changed")).to_have_count(0)
        else:
            expect(other.locator(".changed")).to_contain_text("12 months")
            expect(other.locator("#reader-body mark")).to_have_count(0)
            accessible(other, "changed document")
            shot(other, "changed")
        other.keyboard.press("Escape")

    # Where the browser keeps its clipboard from the page (http from another machine), there is another way, or it is said.
    other.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    other.locator(".turn").get_by_role("button", name="Link").click()
    expect(other.locator(".turn").get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    other.evaluate("document.execCommand = () => false")
    other.locator(".turn").get_by_role("button", name="Copy").click()
    expect(other.locator(".by-hand textarea")).to_have_value(re.compile("12 months"))
    accessible(other, "copied by hand")
    other.goto(f"{BASE}/#/answer/0000000000000000")
    expect(other.get_by_role("alert")).to_be_visible()
    other.close()

    # The keyboard alone: to an answer, to its citation, into the document.
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    accessible(page, "keys")
    shot(page, "keys")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.locator("#reader")).to_be_visible()
    page.keyboard.press("Escape")

    # Why these sources: ranks, and what was found and not read.
    answer.locator("summary").click()
    expect(answer.locator(".why tbody tr")).not_to_have_count(0)
    expect(answer.locator(".why")).to_contain_text("no: no room left")
    accessible(page, "why")
    shot(page, "why")

    # A refusal helps: the closest passages, and what to try.
    turn = ask(page, "Who won the football world cup in 1998?")
    expect(turn.locator(".status.not_found")).to_be_attached()
    assert turn.locator(".refusal .sources li").count() >= 1
    accessible(page, "refused")
    shot(page, "refused")
    turn.get_by_role("link", name="Search all passages").click()
    expect(page.locator("#found li").first).to_be_visible()
    shot(page, "search")
    page.go_back()

    # A question can be stopped, and asked again.
    page.locator("#question").fill("Describe the whole installation of a K20 XL, step by step.")
    page.keyboard.press("Enter")
    page.locator(".turn").last.locator(".sources button").first.wait_for(timeout=PATIENCE)
    shot(page, "reading")
    page.locator("#stop").click()
    expect(page.locator(".turn").last.locator(".status")).to_have_text("Stopped")
    page.get_by_role("button", name="Try again").click()
    page.locator("#stop").click()
    expect(page.locator(".turn").last.locator(".status")).to_have_text("Stopped")

    # When the server is busy the page waits and asks again by itself.
    def busy(route):
        detail = {"status": 429, "title": "Too Many Requests", "detail": "busy"}
        route.fulfill(status=429, headers={"retry-after": "2"}, json=detail, content_type="application/problem+json")

    page.route("**/api/v1/ask", busy, times=1)
    page.locator("#question").fill("How long are the seals of a V3 under warranty?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn").last.locator(".status")).to_contain_text("asking again in")
    shot(page, "busy")
    expect(page.locator(".turn").last.locator(DONE)).to_be_attached(timeout=PATIENCE)
    faults[:] = [fault for fault in faults if "429" not in fault]

    # An answer that was made with less than all says so, and can be asked for again.
    expect(page.locator(".turn").last.get_by_role("button", name="Try again")).to_have_count(0)

    def lacking(route):
        whole = route.fetch()
        assert '"degraded":[]' in whole.text(), whole.text()[-2000:]
        route.fulfill(response=whole, body=whole.text().replace('"degraded":[]', '"degraded":["the model is busy"]'))

    turns = page.locator(".turn").count()
    page.route("**/api/v1/ask", lacking, times=1)
    page.locator("#question").fill("How long are the seals of a V3 under warranty?")
    page.keyboard.press("Enter")
    last = page.locator(".turn").nth(turns)
    expect(last.locator(".note", has_text="the model is busy")).to_be_visible(timeout=PATIENCE)
    shot(page, "lacking")
    accessible(page, "an answer that lacks something")
    last.get_by_role("button", name="Try again").click()
    expect(last.locator(DONE)).to_be_attached(timeout=PATIENCE)
    expect(last.locator(".note")).to_have_count(0)
    expect(page.locator(".turn")).to_have_count(turns + 1)

    # A page of a PDF is drawn with the passage marked, and can be turned.
    page.goto(f"{BASE}/#/library?q=support+tiers+and+response+times")
    page.locator("#found li", has_text="Support Policy").first.click()
    picture = page.locator("#reader-body img")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    page.wait_for_timeout(300)
    yellow = """image => {
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const pen = canvas.getContext("2d");
        pen.drawImage(image, 0, 0);
        const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) if (data[i] > 200 && data[i + 1] > 180 && data[i + 2] < 190) count++;
        return count;
    }"""
    assert picture.evaluate(yellow) > 500, "nothing is marked on the page"
    accessible(page, "page of a PDF")
    shot(page, "pdf")
    page.keyboard.press("Escape")
    page.goto(f"{BASE}/#/")

    # The conversation is in the history, can be opened and gone on with, and is forgotten on demand.
    page.goto(f"{BASE}/#/history")
    row = page.locator("#conversations li").first
    expect(row).to_contain_text("How long are the seals")
    accessible(page, "history")
    shot(page, "history")
    page.reload()
    row.get_by_role("link", name="How long are the seals").first.click()
    expect(page.locator(".turn").nth(3)).to_be_attached()
    expect(page.locator(".turn").first.locator(".answer .cite").first).to_be_visible()
    turn = ask(page, "And of the V3?")
    expect(turn.locator(".understood")).to_be_attached()
    page.goto(f"{BASE}/#/history")
    rows = page.locator("#conversations li").count()
    row.get_by_role("button", name="Delete").click()
    row.get_by_role("button", name="Delete").click()
    expect(page.locator("#conversations li", has_text="How long are the seals")).to_have_count(rows - 1)

    # The graph: drawn, listed, and a passage opens from it.
    page.goto(f"{BASE}/#/graph?q=K20%20XL")
    expect(page.locator("#graph-list li").first).to_be_visible()
    assert page.locator("#graph-list .entity").count() > 5 and page.locator("#graph-list .passage").count() > 5
    page.wait_for_timeout(300)
    drawn = """canvas => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size"""
    assert page.locator("#graph").evaluate(drawn) > 20, "the picture is empty"
    accessible(page, "graph")
    shot(page, "graph")
    page.locator("#graph-list .passage").first.click()
    expect(page.locator("#reader-body")).not_to_be_empty()
    page.keyboard.press("Escape")

    # Upload, find, remove, undo.
    page.goto(f"{BASE}/#/library")
    kettle = f"kettle-{time.time_ns()}"
    text = f"# {kettle}\n\nThe kettle holds 1.7 litres.\n".encode()
    lie = {"name": "lie.pdf", "mimeType": "application/pdf", "buffer": b"no PDF at all"}
    page.locator("#files").set_input_files(lie)
    expect(page.locator("#jobs .error")).to_contain_text("lie.pdf: it is declared to be a PDF and is none")
    faults[:] = [fault for fault in faults if "415" not in fault]
    page.locator("#files").set_input_files({"name": f"{kettle}.md", "mimeType": "text/markdown", "buffer": text})
    row = page.locator("#documents li", has_text=kettle)
    expect(row).to_be_visible(timeout=60_000)
    accessible(page, "library")
    shot(page, "library")
    row.get_by_role("button", name="Remove").click()
    expect(page.locator("#documents li", has_text=kettle)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#documents li", has_text=kettle)).to_have_count(1, timeout=60_000)
    # Another version takes its place; a bad file beside it is named and keeps it from nothing.
    text = text.replace(b"1.7", b"1.9")
    both = [{"name": f"{kettle}.md", "mimeType": "text/markdown", "buffer": text}, lie]
    page.locator("#files").set_input_files(both)
    expect(page.locator("#jobs")).to_contain_text(f"{kettle}.md took the place of its earlier version")
    expect(page.locator("#jobs .job").first).to_contain_text("lie.pdf: it is declared to be a PDF and is none")
    expect(page.locator("#jobs .job").first).to_contain_text("1 could not be read", timeout=60_000)
    expect(page.locator("#documents li", has_text=kettle)).to_have_count(1)
    page.locator("#documents li", has_text=kettle).get_by_role("button").first.click()
    expect(page.locator("#reader-body")).to_contain_text("1.9 litres")
    page.keyboard.press("Escape")

    # The widget on another site: one tag, cited answers, the site's colours.
    site = context.new_page()
    site.on("pageerror", lambda error: faults.append(str(error)))
    body = f"""<!doctype html><html lang="en"><title>Shop</title>
        <style>:root {{ --attest-accent: #7a1f5c; }} body {{ font-family: serif; }}</style>
        <main><h1>Quellwerk support</h1><p>How can we help?</p></main>
        <script type="module" src="{BASE}/widget.js"></script></html>"""
    site.route(f"{SITE}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    site.goto(f"{SITE}/")
    site.get_by_role("button", name="Ask a question").click()
    site.keyboard.type("How long are the seals of a V3 under warranty?")
    site.keyboard.press("Enter")
    widget = site.locator("attest-widget")
    expect(widget.locator(".cite").first).to_be_visible(timeout=PATIENCE)
    expect(widget.locator(".said")).to_contain_text("12 months", timeout=PATIENCE)
    expect(widget.locator(".note")).to_have_count(1, timeout=PATIENCE)
    widget.locator(".cite").first.click()
    expect(widget.locator("blockquote")).to_contain_text("12 months")
    accessible(site, "widget")
    shot(site, "widget")
    # Its refusal helps as well.
    site.locator("attest-widget input").fill("Who won the football world cup in 1998?")
    site.keyboard.press("Enter")
    expect(widget.locator(".said").last).to_contain_text("do not answer", timeout=PATIENCE)
    expect(widget.locator(".remark").last).to_contain_text("Ask in other words")
    assert widget.locator("blockquote").count() > 1
    site.keyboard.press("Escape")
    expect(site.get_by_role("button", name="Ask a question")).to_be_focused()
    site.close()

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
    phone.locator("#close").click()
    turn.locator("summary").click()
    expect(turn.locator(".why tbody tr")).not_to_have_count(0)
    accessible(phone, "phone, why")

    # The graph on a phone: it fits, two fingers make it larger, and the hint says so.
    phone.goto(f"{BASE}/#/graph?q=K20%20XL")
    expect(phone.locator("#graph-about")).to_contain_text("双指缩放")
    phone.wait_for_timeout(300)
    assert phone.locator("#graph").evaluate(drawn) > 20, "the picture is empty"
    shot(phone, "phone-graph")
    fingers = """(canvas, far) => {
        const box = canvas.getBoundingClientRect();
        const at = (type, pointerId, x) => canvas.dispatchEvent(new PointerEvent(type,
            { pointerId, pointerType: "touch", clientX: box.left + x, clientY: box.top + 150, bubbles: true }));
        canvas.setPointerCapture = () => {};
        at("pointerdown", 1, 150); at("pointerdown", 2, 200);
        at("pointermove", 1, 175 - far / 2); at("pointermove", 2, 175 + far / 2);
        at("pointerup", 1, 175 - far / 2); at("pointerup", 2, 175 + far / 2);
        return canvas.toDataURL();
    }"""
    before = at_rest(phone, phone.locator("#graph"))
    assert phone.locator("#graph").evaluate(fingers, 50) == before, "it changed though no finger moved"
    assert phone.locator("#graph").evaluate(fingers, 150) != before, "nothing became larger"
    assert phone.locator("#graph").evaluate(fingers, 50) != before, "it became small again by itself"
    assert "/graph?q=K20%20XL" in phone.url, "two fingers chose something"
    shot(phone, "phone-graph-larger")

    assert not faults, faults
    browser.close()
print(f"page: ok; first paint after {min(paints):.0f} ms")
