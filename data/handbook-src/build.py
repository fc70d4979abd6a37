#!/usr/bin/env python3
"""Rebuild data/handbook/*.pdf from the Typst sources beside this file.

Requirements (any recent Linux, macOS or Windows with Python 3.9+):
    pip install typst==0.15.2
    Noto Sans CJK SC installed as a system font (Debian: apt install fonts-noto-cjk)
The English PDFs use fonts that the typst package brings along. Dates are fixed in
the sources, so the same package and font versions give the same bytes.
"""
from pathlib import Path

import typst

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "handbook"
DOCUMENTS = {
    "k-series-manual.typ": "k-series-manual.pdf",
    "support-policy-2025.typ": "support-policy-2025.pdf",
    "support-policy-2026.typ": "support-policy-2026.pdf",
    "shut-off-times.typ": "shut-off-times.pdf",
    "h1-manual.zh.typ": "zh/H1网关用户手册.pdf",
}


def main() -> None:
    for source, target in DOCUMENTS.items():
        pdf = typst.compile(str(HERE / source), root=str(HERE), format="pdf")
        path = OUT / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pdf)
        print(f"{path.relative_to(OUT)}: {len(pdf) / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
