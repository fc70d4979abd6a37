#!/usr/bin/env python3
"""Makes prompts out of questions that a Python package ships, so that the probe is not fitted to encyclopedias alone.

    python3 -m pip download --no-deps fitz-gov==4.1.0 && unzip fitz_gov-4.1.0*.whl -d cases
    attest eval prompts DIR... --out prompts.jsonl
    python3 eval/probe/packaged.py MODEL.gguf prompts.jsonl cases/fitz_gov/data/tier1_core > other.jsonl

fitz-gov (MIT) has 2,271 English questions with contexts from many fields, and says whether these hold an
answer. They are written as the program writes its prompts: the head and the tail of one of these are kept,
and the passages and the question in between are replaced. Needs gguf and tokenizers (pip).
"""

import json
import pathlib
import sys

from gguf import GGUFReader
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

CONTROL = 3
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def tokenizer(path):
    """The byte-pair encoder of a GGUF file of the Qwen 2 family."""
    reader = GGUFReader(path)
    strings = lambda name: [bytes(reader.fields[name].parts[at]).decode() for at in reader.fields[name].data]
    kinds = reader.fields["tokenizer.ggml.token_type"]
    vocabulary = strings("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in strings("tokenizer.ggml.merges")]
    encoder = Tokenizer(models.BPE(vocab={token: at for at, token in enumerate(vocabulary)}, merges=merges))
    encoder.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    encoder.decoder = decoders.ByteLevel()
    control = [token for token, at in zip(vocabulary, kinds.data) if kinds.parts[at][0] == CONTROL]
    encoder.add_special_tokens([AddedToken(token, special=True) for token in control])
    return encoder


def label(name, case):
    """Whether the contexts hold an answer; none where the package does not say so."""
    if name == "abstention":
        return False
    if name.startswith("trustworthy") or name == "dispute":
        return True
    return False if case.get("evidence_pattern") == "absent" else None


def main():
    model, prompts, cases = sys.argv[1:]
    encoder = tokenizer(model)
    first = next(row for row in map(json.loads, open(prompts, encoding="utf-8")) if row["lang"] == "en")
    sample = encoder.decode(first["tokens"], skip_special_tokens=False)
    head, tail = sample[: sample.index("<passage ")], sample[sample.rindex("<|im_end|>") :]
    for file in sorted(pathlib.Path(cases).glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        for case in next(value for value in data.values() if isinstance(value, list)):
            answerable, contexts = label(file.stem, case), case["contexts"][:5]
            if answerable is None or sum(map(len, contexts)) > 3500:
                continue
            source = case.get("domain", "notes").replace("_", " ").title()
            passages = "".join(
                f'<passage number="{at}" source="{source}">\n{text}\n</passage>\n' for at, text in enumerate(contexts, 1)
            )
            text = f"{head}{passages}\nQuestion: {case['query']}{tail}"
            row = {
                "set": "other",
                "group": case.get("original_id") or case["id"],
                "query": case["id"],
                "text": case["query"],
                "lang": "en",
                "kind": "asked" if answerable else "adversarial",
                "label": answerable,
                "tokens": encoder.encode(text, add_special_tokens=False).ids,
            }
            print(json.dumps(row))


if __name__ == "__main__":
    main()
