#!/usr/bin/env python3
"""Fits the probe of a model: whether the passages hold the answer, read off its residual stream.

    attest eval prompts DIR... --out prompts.jsonl
    python3 eval/probe/fit.py MODEL.gguf prompts.jsonl [more.jsonl] --layer 18 --out data/probes/NAME.probe

Needs torch, numpy and gguf (pip). Reads the Qwen 2 family with Q4_K, Q6_K and F32 tensors, computes the
residual stream of every prompt's last token up to --layer in bfloat16, and fits a ridge logistic regression.
The computation that this tidies took 55 s for 13,900 prompts on one H100; on a CPU use --limit (not timed).
Prints the area under the ROC curve by kind, cross-validated by `group` and on the groups that were held out (--hold-out).

A row of a prompts file has `set`, `group`, `lang`, `kind`, `label` and `tokens`.
"""

import argparse
import hashlib
import json
import os
import random
import zlib

import numpy as np
import torch
from gguf import GGUFReader

# How much each kind of question counts, whatever its number.
SHARES = {"asked": 1.0, "adversarial": 0.6, "natural": 0.3, "planted": 0.2}
BLOCK = 256


def dequantize(raw, rows, cols, kind, device):
    """The weights of a tensor in 32 bits (layouts as in llama.cpp's ggml-quants)."""
    n = rows * cols // BLOCK
    half = lambda x: x.contiguous().view(torch.float16).float()
    if kind == "Q4_K":
        b = torch.from_numpy(raw).to(device).view(n, 144)
        d, least, q = half(b[:, 0:2]), half(b[:, 2:4]), b[:, 16:]
        low, middle, high = b[:, 4:16].view(n, 3, 4).unbind(1)
        scales = torch.cat([low & 63, (high & 15) | ((low >> 2) & 0x30)], 1).float()
        minima = torch.cat([middle & 63, (high >> 4) | ((middle >> 2) & 0x30)], 1).float()
        q = q.view(n, 4, 1, 32)
        q = torch.cat([q & 15, q >> 4], 2).reshape(n, 8, 32).float()
        return ((d * scales).view(n, 8, 1) * q - (least * minima).view(n, 8, 1)).view(rows, cols)
    if kind == "Q6_K":
        b = torch.from_numpy(raw).to(device).view(n, 210)
        low, high = b[:, :128].view(n, 2, 1, 64), b[:, 128:192].view(n, 2, 1, 32)
        low = torch.cat([low & 15, low >> 4], 2).reshape(n, 8, 32)
        high = torch.cat([high & 3, (high >> 2) & 3, (high >> 4) & 3, high >> 6], 2).reshape(n, 8, 32)
        q = (low | (high << 4)).to(torch.int8).float() - 32
        scales = b[:, 192:208].contiguous().view(torch.int8).float() * half(b[:, 208:210])
        return (q.view(n, 16, 16) * scales.view(n, 16, 1)).view(rows, cols)
    raise SystemExit(f"tensors of the kind {kind} are not read")


class Model:
    """The lower layers of a Qwen 2 model."""

    def __init__(self, path, layers, device):
        reader = GGUFReader(path)
        field = lambda name: reader.fields[f"qwen2.{name}"].parts[-1][0].item()
        self.device, self.layers = device, layers
        self.heads, self.kv_heads = field("attention.head_count"), field("attention.head_count_kv")
        self.width, self.epsilon = field("embedding_length"), field("attention.layer_norm_rms_epsilon")
        self.base, self.dim = field("rope.freq_base"), field("embedding_length") // field("attention.head_count")
        self.weights = {}
        for tensor in reader.tensors:
            name = tensor.name.split(".")
            if name[0] == "blk" and int(name[1]) < layers:
                raw = np.ascontiguousarray(tensor.data).view(np.uint8).reshape(-1).copy()
                if tensor.tensor_type.name == "F32":
                    self.weights[tensor.name] = torch.from_numpy(raw.view(np.float32)).to(device)
                else:
                    cols, rows = (int(x) for x in tensor.shape)
                    self.weights[tensor.name] = dequantize(raw, rows, cols, tensor.tensor_type.name, device).bfloat16()
            elif tensor.name == "token_embd.weight":
                self.embedding, self.embedding_kind = tensor.data, tensor.tensor_type.name

    def embed(self, tokens):
        """Rows of the embedding; only these are unpacked."""
        used, places = np.unique(tokens, return_inverse=True)
        raw = np.ascontiguousarray(self.embedding[used]).view(np.uint8).reshape(-1).copy()
        rows = dequantize(raw, len(used), self.width, self.embedding_kind, self.device)
        return rows[torch.from_numpy(places.reshape(tokens.shape)).to(self.device)]

    @torch.no_grad()
    def states(self, batch):
        """The residual stream of each prompt's last token, scaled to a mean square of 1."""
        longest = max(map(len, batch))
        padded = np.array([tokens + [0] * (longest - len(tokens)) for tokens in batch])
        x, rows = self.embed(padded).float(), len(batch)
        steps = torch.arange(longest, device=self.device).float()
        angles = torch.outer(steps, self.base ** -(torch.arange(0, self.dim, 2, device=self.device).float() / self.dim))
        cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)

        def norm(x, scales):
            return (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * scales).bfloat16()

        def rotate(x):
            x = x.float()
            left, right = x.chunk(2, -1)
            return (x * cos + torch.cat([-right, left], -1) * sin).bfloat16()

        for layer in range(self.layers):
            w = lambda name: self.weights[f"blk.{layer}.{name}"]
            h = norm(x, w("attn_norm.weight"))
            project = lambda name, heads: (h @ w(f"{name}.weight").T + w(f"{name}.bias").bfloat16()).view(
                rows, longest, heads, self.dim
            ).transpose(1, 2)
            shared = self.heads // self.kv_heads
            q, k, v = rotate(project("attn_q", self.heads)), rotate(project("attn_k", self.kv_heads)), project(
                "attn_v", self.kv_heads
            )
            # Prompts are padded on the right: what is read causally does not see the padding.
            attended = torch.nn.functional.scaled_dot_product_attention(
                q, k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1), is_causal=True
            )
            x = x + (attended.transpose(1, 2).reshape(rows, longest, -1) @ w("attn_output.weight").T).float()
            h = norm(x, w("ffn_norm.weight"))
            gated = torch.nn.functional.silu(h @ w("ffn_gate.weight").T) * (h @ w("ffn_up.weight").T)
            x = x + (gated @ w("ffn_down.weight").T).float()
        last = x[torch.arange(rows), [len(tokens) - 1 for tokens in batch]]
        return last * torch.rsqrt(last.pow(2).mean(-1, keepdim=True))


def weigh(rows):
    """Every kind of question, language and outcome counts its share."""
    strata = {}
    for at, row in enumerate(rows):
        strata.setdefault((row["set"] == "other", row["lang"], row["kind"], row["label"]), []).append(at)
    weights = np.zeros(len(rows), dtype=np.float32)
    for (other, lang, kind, _), members in strata.items():
        weights[members] = SHARES[kind] * (0.5 if other else 1.0) * (1.0 if lang == "en" else 0.6) / len(members)
    return weights / weights.mean()


def fit(x, y, w, ridge):
    """Ridge logistic regression by L-BFGS; the last weight is the bias."""
    b = torch.zeros(x.shape[1] + 1, device=x.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([b], max_iter=80, history_size=10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ b[:-1] + b[-1], y, reduction="none")
        loss = (loss * w).sum() / w.sum() + ridge * b[:-1].pow(2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return b.detach()


def area(true, false):
    """Area under the ROC curve."""
    scores = np.concatenate([true, false])
    ranks = scores.argsort().argsort() + 1
    return (ranks[: len(true)].sum() - len(true) * (len(true) + 1) / 2) / (len(true) * len(false))


def report(name, scores, rows):
    for lang in ("en", "zh"):
        for kind in ("adversarial", "natural", "planted"):
            pick = lambda kind, label: np.array(
                [s for s, r in zip(scores, rows) if (r["lang"], r["kind"], r["label"]) == (lang, kind, label)]
            )
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--layer", type=int, default=18, help="counted from 0")
    parser.add_argument("--ridge", type=float, default=0.03)
    parser.add_argument("--limit", type=int, help="use only so many prompts")
    parser.add_argument("--hold-out", default="", help="groups, separated by |, to judge on and not to learn from")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    rows = [json.loads(line) for path in args.prompts for line in open(path, encoding="utf-8")]
    random.Random(0).shuffle(rows)
    rows = rows[: args.limit]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Model(args.model, args.layer + 1, device)
    x = torch.zeros(len(rows), model.width, device=device)
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]["tokens"]))
    while order:
        size = max(1, 40_000 // len(rows[order[min(63, len(order) - 1)]]["tokens"]))
        batch, order = order[: min(64, size)], order[min(64, size) :]
        x[batch] = model.states([rows[at]["tokens"] for at in batch])

    held = set(args.hold_out.split("|"))
    learn = [at for at, row in enumerate(rows) if row["group"] not in held]
    judge = [at for at, row in enumerate(rows) if row["group"] in held]
    mean, deviation = x[learn].mean(0), x[learn].std(0) + 1e-4
    z = (x - mean) / deviation
    y = torch.tensor([float(row["label"]) for row in rows], device=device)
    w = torch.zeros(len(rows), device=device)
    w[learn] = torch.from_numpy(weigh([rows[at] for at in learn])).to(device)

    scores = np.zeros(len(rows))
    for fold in range(5):
        out = [at for at in learn if zlib.crc32(rows[at]["group"].encode()) % 5 == fold]
        rest = sorted(set(learn) - set(out))
        b = fit(z[rest], y[rest], w[rest], args.ridge)
        scores[out] = (z[out] @ b[:-1] + b[-1]).cpu().numpy()
    report("cross-validated", scores[learn], [rows[at] for at in learn])
    b = fit(z[learn], y[learn], w[learn], args.ridge)
    report("held out       ", (z[judge] @ b[:-1] + b[-1]).cpu().numpy(), [rows[at] for at in judge])

    weights = (b[:-1] / deviation).cpu().numpy().astype("<f4")
    bias = np.float32((b[-1] - (b[:-1] * mean / deviation).sum()).item())
    with open(args.out, "wb") as file:
        file.write(digest(args.model) + args.layer.to_bytes(4, "little") + bias.tobytes() + weights.tobytes())


if __name__ == "__main__":
    main()
