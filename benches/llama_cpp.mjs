// The peer of `against_llama_cpp`: llama.cpp through node-llama-cpp. Reads one
// request a line ({"system", "user", "max_tokens"}) and prints one result a line.
//
//   node llama_cpp.mjs MODEL.gguf THREADS
import { createInterface } from "node:readline";
import { getLlama } from "node-llama-cpp";

const [modelPath, threads] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: Number(threads) });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 4096, batchSize: 512, threads: Number(threads) });
const sequence = context.getSequence();
console.log(JSON.stringify({ ready: true }));

for await (const line of createInterface({ input: process.stdin })) {
  const { system, user, max_tokens } = JSON.parse(line);
  await sequence.clearHistory();
  // The template of the Qwen2 family, with its control tokens.
  const turn = (role, text) => `<|im_start|>${role}\n${text}<|im_end|>\n`;
  const prompt = model.tokenize(`${turn("system", system)}${turn("user", user)}<|im_start|>assistant\n`, true);
  const start = performance.now();
  let first = null;
  const written = [];
  for await (const token of sequence.evaluate(prompt, { temperature: 0 })) {
    first ??= performance.now();
    if (model.isEogToken(token)) break;
    written.push(token);
    if (written.length >= max_tokens) break;
  }
  const end = performance.now();
  console.log(JSON.stringify({
    prompt_tokens: prompt.length,
    generated_tokens: written.length,
    first_token_ms: first - start,
    total_ms: end - start,
    text: model.detokenize(written),
  }));
}
process.exit(0);
