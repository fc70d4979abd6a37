#!/usr/bin/env python3
"""Fits a model's pointers: which attention heads look at the sentence that answers while the question is read.

    attest eval prompts DIR... --out prompts.jsonl --attention prompts.attention
    python3 eval/probe/heads.py MODEL.gguf prompts.jsonl:prompts.attention [MORE...] --out data/probes/NAME.heads

A few heads are taken whose sentence, the one they give the largest share of what all sentences get, holds the answer
most often, each language counting the same; all count alike, since weights of their own fit more than there is to
learn from some hundred questions. One number, how much they count, makes their sum a probability. Prints how often the
likeliest sentence, and one of the two likeliest, holds the answer. The sets named by --judge, and a quarter of the groups
of the others, are not fitted to. Needs numpy (pip).
"""

import argparse
import json
import struct
import zlib

import numpy as np

from fit import digest

# Added to shares, as the program does.
FLOOR = 1e-3


def load(pairs):
    """Rows with `seen`, the share of each sentence by [heads * 2], where one of several sentences holds the answer."""
    kept = []
    for pair in pairs:
        path, of = pair.split(":")
        with open(of, "rb") as file:
            data = file.read()
        rows = [json.loads(line) for line in open(path, encoding="utf-8")]
        width = len(data) // 4 // sum(len(row["sentences"]) for row in rows)
        at = 0
        for row in rows:
            size = len(row["sentences"]) * width
            seen = np.frombuffer(data, dtype="<f4", count=size, offset=4 * at).reshape(-1, width).astype(np.float64)
            at += size
            row["holds"] = np.array(row["sentences"], dtype=bool)
            row["seen"] = seen / (seen.sum(0) + np.finfo(np.float32).tiny) if len(seen) else seen
            if row["label"] and row["holds"].any() and not row["holds"].all():
                kept.append(row)
    return kept


def score(row, chosen):
    """The sum of the logarithms of what the chosen heads give to each sentence."""
    return np.log(row["seen"][:, chosen] + FLOOR).sum(1)


def right(rows, score, among=1):
    """How often one of the likeliest sentences holds the answer."""
    return np.mean([row["holds"][np.argsort(-score(row), kind="stable")[:among]].any() for row in rows]) if rows else np.nan


def likelihood(rows, chosen, scale):
    """Mean logarithm of the probability of the sentences that hold the answer."""
    total = 0.0
    for row in rows:
        logits = scale * score(row, chosen)
        weights = np.exp(logits - logits.max())
        total += np.log(weights[row["holds"]].sum() / weights.sum() + 1e-9)
    return total / len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("rows", nargs="+", metavar="ROWS:ATTENTION")
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=4, help="heads that are taken (4)")
    parser.add_argument("--layers", type=int, nargs=2, metavar=("FIRST", "LAST"), help="take heads of these layers only")
    parser.add_argument("--judge", nargs="*", default=["handbook", "cmrc_pdf"], help="sets that are only judged on")
    args = parser.parse_args()

    rows = load(args.rows)
    held = lambda row: row["set"] in args.judge or zlib.crc32(row["group"].encode()) % 4 == 0
    fitted = {}
    for row in rows:
        if not held(row):
            fitted.setdefault(row["lang"], []).append(row)
    width = rows[0]["seen"].shape[1]
    single = np.mean([[right(own, lambda row, at=at: row["seen"][:, at]) for at in range(width)] for own in fitted.values()], 0)
    if args.layers:
        layer = np.arange(width) // (2 * rows[0]["heads"])
        single[(layer < args.layers[0]) | (layer > args.layers[1])] = -1
    order = np.argsort(-single, kind="stable")
    # A head counts once, from where it tells more.
    chosen = []
    for at in order:
        if all(at // 2 != other // 2 for other in chosen):
            chosen.append(int(at))
        if len(chosen) == args.count:
            break
    train = [row for own in fitted.values() for row in own]
    scales = np.geomspace(0.02, 2, 60)
    scale = float(scales[np.argmax([likelihood(train, chosen, scale) for scale in scales])])

    heads = rows[0]["heads"]
    for at in chosen:
        layer, head = divmod(at // 2, heads)
        print(f"layer {layer}, head {head}, from {'the last token' if at % 2 else 'the question'}: {single[at]:.3f}")
    print(f"each counts {scale:.3f}")
    parts = {}
    for row in rows:
        name = "fitted to" if not held(row) else row["set"] if row["set"] in args.judge else "other articles"
        parts.setdefault((name, row["lang"]), []).append(row)
    for (name, lang), own in sorted(parts.items()):
        first, two = (right(own, lambda row: score(row, chosen), among) for among in (1, 2))
        print(f"{name}, {lang} ({len(own)}): the likeliest {first:.3f}, one of two {two:.3f}, "
              f"log likelihood {likelihood(own, chosen, scale):.3f}")

    with open(args.out, "wb") as file:
        file.write(digest(args.model))
        for at in chosen:
            layer, head = divmod(at // 2, heads)
            file.write(struct.pack("<IIIf", layer, head, at % 2, scale))
    print(f"{args.out}: {len(chosen)} heads")


if __name__ == "__main__":
    main()
