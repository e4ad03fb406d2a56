import type { Gguf } from "./gguf.ts";

/** The weights of one layer; each matrix row makes one output value. */
interface Layer {
  readonly attentionNorm: Float32Array;
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly attentionOutput: Float32Array;
  readonly hiddenNorm: Float32Array;
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly down: Float32Array;
}

/**
 * A decoder-only transformer of the Llama family, ready to run. Read-only: any number of sessions share it.
 *
 * @see Touvron et al., "LLaMA: Open and Efficient Foundation Language Models" (2023), section 2.2
 */
export interface Transformer {
  /** Values per token between the layers. */
  readonly width: number;
  /** Attention heads; each looks at `width / heads` of the values. */
  readonly heads: number;
  /** Values per token inside a feed-forward block. */
  readonly hidden: number;
  /** Tokens a session can hold, prompt and reply together. */
  readonly context: number;
  /** Tokens in the vocabulary. */
  readonly vocabulary: number;
  readonly epsilon: number;
  readonly ropeBase: number;
  /** One row per token. The same rows read the input and score the output ("tied embeddings"). */
  readonly embedding: Float32Array;
  readonly outputNorm: Float32Array;
  readonly layers: readonly Layer[];
}

/** Takes shape and weights out of a GGUF file. */
export function createTransformer(gguf: Gguf): Transformer {
  const width = gguf.number("llama.embedding_length");
  const hidden = gguf.number("llama.feed_forward_length");
  const vocabulary = gguf.number("llama.vocab_size");
  const layers = Array.from({ length: gguf.number("llama.block_count") }, (_, index): Layer => {
    const tensor = (name: string, length: number) => gguf.tensor(`blk.${index}.${name}.weight`, length);
    return {
      attentionNorm: tensor("attn_norm", width),
      query: tensor("attn_q", width * width),
      key: tensor("attn_k", width * width),
      value: tensor("attn_v", width * width),
      attentionOutput: tensor("attn_output", width * width),
      hiddenNorm: tensor("ffn_norm", width),
      gate: tensor("ffn_gate", hidden * width),
      up: tensor("ffn_up", hidden * width),
      down: tensor("ffn_down", width * hidden),
    };
  });
  return {
    width,
    hidden,
    vocabulary,
    layers,
    heads: gguf.number("llama.attention.head_count"),
    context: gguf.number("llama.context_length"),
    epsilon: gguf.number("llama.attention.layer_norm_rms_epsilon"),
    ropeBase: gguf.number("llama.rope.freq_base"),
    embedding: gguf.tensor("token_embd.weight", vocabulary * width),
    outputNorm: gguf.tensor("output_norm.weight", width),
  };
}

/**
 * One text being read and written, token by token.
 *
 * Attention compares each new token with all before it, by the keys and values those left in each layer. The session
 * keeps them (the "KV cache", 1.3 MB here), so a token costs the same few matrix products however long the text is.
 */
export class Session {
  readonly #model: Transformer;
  readonly #caches: readonly { readonly keys: Float32Array; readonly values: Float32Array }[];
  /** What the model thinks at the newest token: every layer adds to it. */
  readonly #state: Float32Array;
  readonly #normed: Float32Array;
  readonly #query: Float32Array;
  readonly #mixed: Float32Array;
  readonly #delta: Float32Array;
  readonly #gate: Float32Array;
  readonly #up: Float32Array;
  readonly #scores: Float32Array;
  readonly #logits: Float32Array;
  #length = 0;

  constructor(model: Transformer) {
    const { width, hidden, context, vocabulary } = model;
    this.#model = model;
    this.#caches = model.layers.map(() => ({
      keys: new Float32Array(context * width),
      values: new Float32Array(context * width),
    }));
    this.#state = new Float32Array(width);
    this.#normed = new Float32Array(width);
    this.#query = new Float32Array(width);
    this.#mixed = new Float32Array(width);
    this.#delta = new Float32Array(width);
    this.#gate = new Float32Array(hidden);
    this.#up = new Float32Array(hidden);
    this.#scores = new Float32Array(context);
    this.#logits = new Float32Array(vocabulary);
  }

  /** Runs one token through all layers: about two milliseconds of arithmetic. */
  feed(token: number): void {
    const { width, context, embedding, layers } = this.#model;
    const position = this.#length++;
    if (position >= context) throw new Error(`The context is full: it holds ${context} tokens`);

    this.#state.set(embedding.subarray(token * width, (token + 1) * width));
    for (const [index, layer] of layers.entries()) {
      this.#attend(layer, index, position);
      this.#think(layer);
    }
  }

  /** How well each token of the vocabulary would come next. Valid until the next call. */
  logits(): Float32Array {
    const { embedding, outputNorm, epsilon } = this.#model;
    normalize(this.#state, { weight: outputNorm, epsilon, into: this.#normed });
    multiply(embedding, this.#normed, this.#logits);
    return this.#logits;
  }

  /** Attention: the token gathers what it needs to know from the tokens before it. */
  #attend(layer: Layer, index: number, position: number): void {
    const { width, heads, epsilon, ropeBase } = this.#model;
    const headWidth = width / heads;
    const cache = this.#caches[index];
    if (!cache) throw new RangeError(`There is no layer ${index}`);
    const newKey = cache.keys.subarray(position * width, (position + 1) * width);
    const newValue = cache.values.subarray(position * width, (position + 1) * width);

    normalize(this.#state, { weight: layer.attentionNorm, epsilon, into: this.#normed });
    multiply(layer.query, this.#normed, this.#query);
    multiply(layer.key, this.#normed, newKey);
    multiply(layer.value, this.#normed, newValue);
    rotate(this.#query, { headWidth, position, base: ropeBase });
    rotate(newKey, { headWidth, position, base: ropeBase });

    const scores = this.#scores.subarray(0, position + 1);
    this.#mixed.fill(0);
    for (let start = 0; start < width; start += headWidth) {
      const query = this.#query.subarray(start, start + headWidth);
      for (let past = 0; past <= position; past++) {
        scores[past] = dot(query, cache.keys, past * width + start) / Math.sqrt(headWidth);
      }
      softmax(scores);
      const mixed = this.#mixed.subarray(start, start + headWidth);
      for (let past = 0; past <= position; past++) {
        addScaled(mixed, at(scores, past), cache.values, past * width + start);
      }
    }
    multiply(layer.attentionOutput, this.#mixed, this.#delta);
    addScaled(this.#state, 1, this.#delta, 0);
  }

  /** The feed-forward block (SwiGLU): the token works on what it has gathered. */
  #think(layer: Layer): void {
    normalize(this.#state, { weight: layer.hiddenNorm, epsilon: this.#model.epsilon, into: this.#normed });
    multiply(layer.gate, this.#normed, this.#gate);
    multiply(layer.up, this.#normed, this.#up);
    for (let i = 0; i < this.#gate.length; i++) {
      const gate = at(this.#gate, i);
      this.#gate[i] = (gate / (1 + Math.exp(-gate))) * at(this.#up, i);
    }
    multiply(layer.down, this.#gate, this.#delta);
    addScaled(this.#state, 1, this.#delta, 0);
  }
}

/** Every index below follows from the shapes that `createTransformer` has checked, so no value is ever missing. */
function at(vector: Float32Array, index: number): number {
  return vector[index] as number;
}

/**
 * Matrix times vector: nearly all the time of the model is spent here. Four rows at once (all shapes here are multiples
 * of four) read each value of the vector once for all of them, and give the CPU four sums that do not wait for each other.
 */
function multiply(matrix: Float32Array, vector: Float32Array, into: Float32Array): void {
  const columns = vector.length;
  for (let row = 0; row < into.length; row += 4) {
    const [first, second, third, fourth] = [
      row * columns,
      (row + 1) * columns,
      (row + 2) * columns,
      (row + 3) * columns,
    ];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < columns; i++) {
      const value = at(vector, i);
      a += value * at(matrix, first + i);
      b += value * at(matrix, second + i);
      c += value * at(matrix, third + i);
      d += value * at(matrix, fourth + i);
    }
    into[row] = a;
    into[row + 1] = b;
    into[row + 2] = c;
    into[row + 3] = d;
  }
}

/** The product of `vector` with as many values of `matrix`, from `offset` on. */
function dot(vector: Float32Array, matrix: Float32Array, offset: number): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += at(vector, i) * at(matrix, offset + i);
  return sum;
}

function addScaled(sum: Float32Array, scale: number, values: Float32Array, offset: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + scale * at(values, offset + i);
}

/** RMSNorm: brings a vector to a length that the next matrix is used to. */
function normalize(
  vector: Float32Array,
  { weight, epsilon, into }: { readonly weight: Float32Array; readonly epsilon: number; readonly into: Float32Array },
): void {
  const scale = 1 / Math.sqrt(dot(vector, vector, 0) / vector.length + epsilon);
  for (let i = 0; i < vector.length; i++) into[i] = at(vector, i) * scale * at(weight, i);
}

/** Rotary embedding: turns each pair of values by an angle that grows with the position, fast pairs first. */
function rotate(
  vector: Float32Array,
  { headWidth, position, base }: { readonly headWidth: number; readonly position: number; readonly base: number },
): void {
  for (let i = 0; i < vector.length; i += 2) {
    const angle = position * base ** (-(i % headWidth) / headWidth);
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const x = at(vector, i);
    const y = at(vector, i + 1);
    vector[i] = x * cos - y * sin;
    vector[i + 1] = x * sin + y * cos;
  }
}

/** Turns scores into shares that add up to one. */
function softmax(scores: Float32Array): void {
  const best = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp(at(scores, i) - best);
    sum += at(scores, i);
  }
  for (let i = 0; i < scores.length; i++) scores[i] = at(scores, i) / sum;
}
