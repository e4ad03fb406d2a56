import type { Gguf } from "./gguf.ts";

/** Turns text into the numbers that the model works with, and back. */
export interface Tokenizer {
  /** The tokens of `text`. Never a control token, whatever the text says: a ticket cannot forge `<|end|>`. */
  encode(text: string): readonly number[];
  /** The bytes a token stands for; undefined for a control token. One character may need several tokens. */
  bytes(token: number): Uint8Array | undefined;
  /** The number of a control token such as `<|user|>`. */
  control(name: string): number;
  /** How many tokens there are. */
  readonly size: number;
}

/**
 * The byte-level BPE tokenizer that a GGUF file describes.
 *
 * Training began with 256 tokens, one a byte, and kept merging the pair of neighbours it saw most often into a new
 * token. Encoding replays those merges in the same order, inside one word at a time.
 *
 * @see Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), section 2.2
 */
export function createTokenizer(gguf: Gguf): Tokenizer {
  const names = gguf.strings("tokenizer.ggml.tokens");
  const types = gguf.numbers("tokenizer.ggml.token_type");
  const ids = new Map(names.map((name, id) => [name, id]));
  const mergeRank = new Map(gguf.strings("tokenizer.ggml.merges").map((pair, rank) => [pair, rank]));
  const bytesOf = names.map((name, id) => (types[id] === NORMAL_TOKEN ? bytesOfName(name) : undefined));

  const idOf = (name: string): number => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`The vocabulary has no token ${JSON.stringify(name)}`);
    return id;
  };
  return {
    size: names.length,
    control: idOf,
    bytes: (token) => bytesOf[token],
    encode: (text) => (text.match(WORD) ?? []).flatMap((word) => merge(nameOfBytes(word), mergeRank).map(idOf)),
  };
}

/** GGUF's token type of ordinary text; the others are control tokens and unused places. */
const NORMAL_TOKEN = 1;

/** Where text is cut before merging: English endings, then words, numbers and signs, each with the space before it. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Joins neighbours, the pair that was learned first before any other, until no learned pair is left. */
function merge(symbols: readonly string[], mergeRank: ReadonlyMap<string, number>): readonly string[] {
  const merged = [...symbols];
  for (;;) {
    const ranks = merged.map((symbol, at) => mergeRank.get(`${symbol} ${merged[at + 1] ?? ""}`) ?? Infinity);
    const best = ranks.reduce((a, b) => Math.min(a, b), Infinity);
    if (best === Infinity) return merged;
    const at = ranks.indexOf(best);
    merged.splice(at, 2, merged.slice(at, at + 2).join(""));
  }
}

/**
 * The vocabulary names its tokens in visible characters, one for each byte: printable Latin-1 bytes stand for
 * themselves, the other 68 are the characters from U+0100 on (so a space is "Ġ").
 */
const CHARACTER_OF_BYTE: readonly string[] = (() => {
  let hidden = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(visible ? byte : 256 + hidden++);
  });
})();

function nameOfBytes(text: string): readonly string[] {
  return Array.from(Buffer.from(text), (byte) => CHARACTER_OF_BYTE[byte] ?? "");
}

function bytesOfName(name: string): Uint8Array {
  return Uint8Array.from(name, (character) => CHARACTER_OF_BYTE.indexOf(character));
}
