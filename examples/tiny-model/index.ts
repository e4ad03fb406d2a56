import { fileURLToPath } from "node:url";
import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { Model } from "./generation.ts";
import { readGguf } from "./gguf.ts";
import { createProvider } from "./provider.ts";
import { createTokenizer } from "./tokenizer.ts";
import { createTransformer } from "./transformer.ts";

/** How the tiny model is run. */
export interface TinyModelOptions {
  /** Writes no faster than this, to look like a model far away. @default as fast as it goes */
  readonly tokensPerSecond?: number;
  /** Weights of the same architecture. @default the ones beside this file */
  readonly path?: string;
}

/**
 * A language model of 1 MB that runs in this process and needs no key: it reads support tickets, and nothing else.
 *
 * Cheap to call: the weights are loaded at the first request, once per process and path.
 *
 * @see README.md for what it knows and where it fails
 */
export function tinyModel({ tokensPerSecond, path = WEIGHTS }: TinyModelOptions = {}): LanguageModelV4 {
  return createProvider({ modelId: "tickets-q8", tokensPerSecond, load: () => load(path) });
}

const WEIGHTS = fileURLToPath(new URL("./tickets-q8.gguf", import.meta.url));

const loaded = new Map<string, Model>();

function load(path: string): Model {
  const known = loaded.get(path);
  if (known) return known;
  const gguf = readGguf(path);
  const model = { transformer: createTransformer(gguf), tokenizer: createTokenizer(gguf) };
  loaded.set(path, model);
  return model;
}
