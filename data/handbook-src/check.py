#!/usr/bin/env python3
"""Check data/handbook/questions.jsonl against the documents it quotes.

    pip install pypdf
    python3 data/handbook-src/check.py            # verify, print counts and pages
    python3 data/handbook-src/check.py --relocate # first rewrite page and lines from the quotes

Quotes are compared without white space, soft hyphens and hyphens, so that line
breaks and hyphenation in a PDF do not matter; everything else has to be exact.
"""
import json
import re
import sys
from collections import Counter
from pathlib import Path

from pypdf import PdfReader

ROOT = Path(__file__).resolve().parent.parent / "handbook"
QUESTIONS = ROOT / "questions.jsonl"
KINDS = {"fact", "table", "multi", "version", "steps", "negation", "similar", "unanswerable"}
CJK = re.compile(r"[\u4e00-\u9fff]")
WORDS_A_PAGE, CJK_A_PAGE = 400, 650  # for the size of Markdown in pages


def squeeze(text: str) -> str:
    return re.sub(r"[\s\u00ad\u2010-]+", "", text)


def load(path: Path):
    """A PDF as its pages, a text file as its lines; both squeezed."""
    if path.suffix == ".pdf":
        return [squeeze(page.extract_text()) for page in PdfReader(path).pages]
    return [squeeze(line) for line in path.read_text(encoding="utf-8").split("\n")]


def pages_of(units: list[str], quote: str) -> list[int]:
    return [n for n, page in enumerate(units, 1) if quote in page]


def lines_of(units: list[str], quote: str) -> list[tuple[int, int]]:
    """All shortest line ranges (1-based, inclusive) that hold the quote."""
    text, owner = "", []
    for n, line in enumerate(units, 1):
        text += line
        owner += [n] * len(line)
    return [(owner[m], owner[m + len(quote) - 1])
            for m in (i.start() for i in re.finditer(re.escape(quote), text))]


def main() -> int:
    relocate = "--relocate" in sys.argv[1:]
    files = {p.relative_to(ROOT).as_posix(): load(p)
             for p in sorted(ROOT.rglob("*")) if p.suffix in {".md", ".pdf"}}
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if line]
    errors: list[str] = []
    cited: Counter[str] = Counter()
    cross = several = literal = 0

    for row in rows:
        name = row.get("id", "?")
        say = lambda what: errors.append(f"{name}: {what}")
        if set(row) != {"id", "text", "lang", "answers", "answerable", "kind", "evidence"}:
            say(f"keys are {sorted(row)}")
            continue
        if row["kind"] not in KINDS or row["lang"] not in {"en", "zh"}:
            say("unknown kind or language")
        if (row["lang"] == "zh") != bool(CJK.search(row["text"])):
            say("language does not fit the text")
        if row["answerable"] == (row["kind"] == "unanswerable"):
            say("kind and answerable disagree")
        if row["answerable"] != bool(row["evidence"]) or row["answerable"] != bool(row["answers"]):
            say("answers and evidence must be there exactly if answerable")
        if row["kind"] == "multi" and len(row["evidence"]) < 2:
            say("multi needs two pieces of evidence")
        several += len(row["evidence"]) > 1
        cross += any(e["file"].startswith("zh/") != (row["lang"] == "zh") for e in row["evidence"])
        for item in row["evidence"]:
            units = files.get(item["file"])
            if units is None:
                say(f"no file {item['file']}")
                continue
            cited[item["file"]] += 1
            quote = squeeze(item["quote"])
            pdf = item["file"].endswith(".pdf")
            found = pages_of(units, quote) if pdf else lines_of(units, quote)
            if not found:
                say(f"not in {item['file']}: {item['quote']!r}")
                continue
            if relocate:
                if len(found) > 1:
                    print(f"note: {name}: {len(found)} places in {item['file']}, first taken")
                text = item.pop("quote")
                item.pop("page", None), item.pop("lines", None)
                item |= {"page": found[0]} if pdf else {"lines": list(found[0])}
                item["quote"] = text
            elif (item.get("page") if pdf else tuple(item.get("lines", ()))) not in found:
                say(f"quote is at {found} of {item['file']}, not where the question says")
        # The first answer stands literally in a quote, unless it has to be
        # worked out (multi, steps) or is a translation (cross-lingual).
        if row["answerable"]:
            joined = squeeze(" ".join(e["quote"] for e in row["evidence"])).lower()
            if any(squeeze(a).lower() in joined for a in row["answers"]):
                literal += 1
            elif row["kind"] not in {"multi", "steps", "negation"}:
                say(f"no answer occurs in a quote: {row['answers']}")

    ids, texts = Counter(r["id"] for r in rows), Counter(r["text"] for r in rows)
    errors += [f"{i}: id used twice" for i, n in ids.items() if n > 1]
    errors += [f"question asked twice: {t}" for t, n in texts.items() if n > 1]
    kinds, langs = Counter(r["kind"] for r in rows), Counter(r["lang"] for r in rows)
    if len(rows) < 72 or kinds["unanswerable"] < 18 or langs["zh"] * 3 < len(rows) or set(kinds) != KINDS:
        errors.append("too few questions, unanswerable ones, Chinese ones, or kinds")
    if cross < 6 or several < 8:
        errors.append("too few cross-lingual or multi-evidence questions")
    errors += [f"no question cites {f}" for f in files if not cited[f]]

    if relocate and not errors:
        QUESTIONS.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")

    total = Counter()
    for name, units in files.items():
        text = (ROOT / name).read_text(encoding="utf-8") if name.endswith(".md") else ""
        n_cjk = len(CJK.findall(text))
        n = len(units) if not text else (n_cjk / CJK_A_PAGE if n_cjk > 500 else len(text.split()) / WORDS_A_PAGE)
        total["zh" if name.startswith("zh/") else "en"] += n
        print(f"{name}: {'' if not text else 'about '}{n:.1f} pages, {(ROOT / name).stat().st_size / 1024:.0f} KiB, cited {cited[name]} times")
    print(f"pages: en {total['en']:.0f}, zh {total['zh']:.0f}; "
          f"folder {sum(p.stat().st_size for p in ROOT.rglob('*') if p.is_file()) / 1024:.0f} KiB")
    print(f"questions: {len(rows)}; " + ", ".join(f"{k} {kinds[k]}" for k in sorted(kinds)))
    print(f"languages: " + ", ".join(f"{k} {n}" for k, n in sorted(langs.items()))
          + f"; cross-lingual {cross}, several pieces of evidence {several}, an answer literally in a quote {literal}")
    for line in errors:
        print("ERROR", line)
    print("FAILED" if errors else "OK")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
