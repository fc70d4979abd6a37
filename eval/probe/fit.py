#!/usr/bin/env python3
"""Fits a probe of a model: whether what it reads answers the question, told by its residual stream.

    attest eval prompts DIR... --out prompts.jsonl --states prompts.states
    attest eval prompts DIR... --alone --out alone.jsonl --states alone.states
    python3 eval/probe/fit.py MODEL.gguf prompts.jsonl:prompts.states [MORE.jsonl:MORE.states] --out data/probes/NAME.probe

The program computes the states, so that the model is the one that answers; a probe that exists says which layer
is looked at. Needs numpy (pip). Fits a ridge logistic regression by Newton's method and prints the area under the
ROC curve by kind, cross-validated by `group` and on the groups that were held out (--hold-out). With --from, a probe
that exists is bettered: what it says counts as it is, and only what is learnt beside it is held down. The rows hold
more questions without an answer than people ask; the probability is for a share of --prior with one.

A row of a prompts file has `set`, `group`, `lang`, `kind` and `label`; a states file has one vector of 32-bit floats,
little-endian, a row.
"""

import argparse
import hashlib
import json
import os
import zlib

import numpy as np

# How much each kind of question counts, whatever its number.
SHARES = {"asked": 1.0, "adversarial": 1.0, "natural": 0.3, "planted": 0.15}
# Questions whose answer was not among what was read.
NOT_READ = 0.5


def load(pairs):
    """Rows and their states."""
    rows, states = [], []
    for pair in pairs:
        path, of = pair.split(":")
        more = [json.loads(line) for line in open(path, encoding="utf-8")]
        rows += more
        states.append(np.fromfile(of, dtype="<f4").reshape(len(more), -1))
    return rows, np.concatenate(states)


def weigh(rows):
    """Every kind of question, language and outcome counts its share."""
    strata = {}
    for at, row in enumerate(rows):
        strata.setdefault((row["lang"], row["kind"], row["label"]), []).append(at)
    weights = np.zeros(len(rows))
    for (lang, kind, label), members in strata.items():
        share = NOT_READ if kind == "asked" and not label else SHARES[kind]
        weights[members] = share * (1.0 if lang == "en" else 0.8) / len(members)
    return weights / weights.mean()


def fit(x, y, w, ridge, free=0):
    """Ridge logistic regression; the first `free` weights, and the last, which is the bias, are not held down."""
    x = np.hstack([x, np.ones((len(x), 1))])
    w = w / w.sum()
    hold = np.full(x.shape[1], 2 * ridge)
    hold[:free] = hold[-1] = 0.0
    b = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ b, -30, 30)))
        gradient = x.T @ (w * (p - y)) + hold * b
        curvature = (x * (w * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + np.diag(hold)
        step = np.linalg.solve(curvature, gradient)
        b -= step
        if np.abs(step).max() < 1e-6:
            break
    return b


def area(true, false):
    """Area under the ROC curve."""
    scores = np.concatenate([true, false])
    ranks = scores.argsort().argsort() + 1
    return (ranks[: len(true)].sum() - len(true) * (len(true) + 1) / 2) / (len(true) * len(false))


def report(name, scores, rows):
    for lang in ("en", "zh"):
        pick = lambda kind, label: np.array(
            [s for s, r in zip(scores, rows) if (r["lang"], r["kind"], r["label"]) == (lang, kind, label)]
        )
        for kind in ("asked", "adversarial", "natural", "planted"):
            true, false = pick("asked", True), pick(kind, False)
            if len(true) > 5 and len(false) > 5:
                print(f"{name}  {lang} {kind:12} {area(true, false):.3f}  ({len(true)} with an answer, {len(false)} without)")


def digest(path):
    """By this the program knows the model's file: SHA-256 of its length, start and end."""
    length, ends = os.path.getsize(path), 1 << 16
    with open(path, "rb") as file:
        first = file.read(ends)
        file.seek(max(0, length - ends))
        return hashlib.sha256(length.to_bytes(8, "little") + first + file.read(ends)).digest()


def read(path):
    """Layer, bias and weights of a probe."""
    data = open(path, "rb").read()
    numbers = np.frombuffer(data[36:], dtype="<f4").astype(np.float64)
    return int.from_bytes(data[32:36], "little"), numbers[0], numbers[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("prompts", nargs="+", metavar="ROWS:STATES")
    parser.add_argument("--layer", type=int, default=18, help="the one the states are of, counted from 0")
    parser.add_argument("--ridge", type=float, default=0.03)
    parser.add_argument("--hold-out", default="", help="groups, separated by |, to judge on and not to learn from")
    parser.add_argument("--from", dest="start", metavar="PROBE", help="better this one, with the same layer")
    parser.add_argument("--prior", type=float, default=0.6, help="the share of questions with an answer that is expected")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    rows, x = load(args.prompts)
    held = set(args.hold_out.split("|"))
    learn = np.array([at for at, row in enumerate(rows) if row["group"] not in held])
    judge = np.array([at for at, row in enumerate(rows) if row["group"] in held], dtype=int)
    mean, deviation = x[learn].mean(0), x[learn].std(0) + 1e-4
    z = ((x - mean) / deviation).astype(np.float64)
    free = 0
    if args.start:
        args.layer, start_bias, start = read(args.start)
        z, free = np.hstack([(x @ start + start_bias)[:, None], z]), 1
        report("the one before  ", z[learn, 0], [rows[at] for at in learn])
    y = np.array([float(row["label"]) for row in rows])
    w = np.zeros(len(rows))
    w[learn] = weigh([rows[at] for at in learn])

    scores = np.zeros(len(rows))
    folds = np.array([zlib.crc32(row["group"].encode()) % 5 for row in rows])
    for fold in range(5):
        out, rest = learn[folds[learn] == fold], learn[folds[learn] != fold]
        b = fit(z[rest], y[rest], w[rest], args.ridge, free)
        scores[out] = z[out] @ b[:-1] + b[-1]
    report("cross-validated", scores[learn], [rows[at] for at in learn])
    b = fit(z[learn], y[learn], w[learn], args.ridge, free)
    report("held out       ", z[judge] @ b[:-1] + b[-1], [rows[at] for at in judge])

    learnt = b[free:-1] / deviation
    log_odds = lambda share: np.log(share / (1 - share))
    prior = log_odds(args.prior) - log_odds((w * y)[learn].sum() / w[learn].sum())
    weights, bias = learnt, b[-1] - learnt @ mean + prior
    if args.start:
        weights, bias = weights + b[0] * start, bias + b[0] * start_bias
    with open(args.out, "wb") as file:
        file.write(digest(args.model) + args.layer.to_bytes(4, "little"))
        file.write(np.float32(bias).tobytes() + weights.astype("<f4").tobytes())


if __name__ == "__main__":
    main()
