import type { UIMessageChunk } from "ai";
import type { Author } from "./authors.ts";

/** A text that is written piece by piece. */
interface WrittenPart {
  readonly type: "text" | "reasoning";
  readonly id: string;
  readonly by: Author | undefined;
  text: string;
  open: boolean;
}

/** What stands as it was told; of what has one id only the last telling, for each who told it. */
interface ToldPart {
  readonly type: "told";
  readonly by: Author | undefined;
  chunks: readonly UIMessageChunk[];
}

type Part = WrittenPart | ToldPart;

/** The parts that a message shows, and whose they are: so that what is void can be taken out. As large as the message. */
export class ShownParts {
  #parts: Part[] = [];
  /** The texts that are being written. */
  readonly #open = new Map<string, WrittenPart>();
  /** What was told last under a key. */
  readonly #told = new Map<string, ToldPart>();

  /** More of a text. @returns how that is told */
  write(type: WrittenPart["type"], id: string, delta: string, by: Author | undefined): UIMessageChunk[] {
    if (by?.isVoid === true) return [];
    const more: UIMessageChunk = { type: `${type}-delta`, id, delta };
    const open = this.#open.get(`${type} ${id}`);
    if (open !== undefined) {
      open.text += delta;
      return [more];
    }
    const part: WrittenPart = { type, id, by, text: delta, open: true };
    this.#open.set(`${type} ${id}`, part);
    this.#parts.push(part);
    return [{ type: `${type}-start`, id }, more];
  }

  /** A text is complete. Nothing is told of one that was never begun. */
  end(type: WrittenPart["type"], id: string): UIMessageChunk[] {
    const part = this.#open.get(`${type} ${id}`);
    if (part === undefined) return [];
    part.open = false;
    this.#open.delete(`${type} ${id}`);
    return [{ type: `${type}-end`, id }];
  }

  /** Shows something as it is. What the same author has told under the same key is told no longer, if all is told again. */
  tell(chunk: UIMessageChunk, by?: Author, key?: string): UIMessageChunk[] {
    return this.#tell(chunk, [chunk], by, key);
  }

  /** Shows what comes of something that was told under a key: told again, it is `whole`. */
  tellMore(
    chunk: UIMessageChunk,
    whole: readonly UIMessageChunk[],
    by: Author | undefined,
    key: string,
  ): UIMessageChunk[] {
    return this.#tell(chunk, whole, by, key);
  }

  /** Ends the texts that are being written whose id begins so. */
  endAll(begin = ""): UIMessageChunk[] {
    return [...this.#open.values()].flatMap(({ type, id }) => (id.startsWith(begin) ? this.end(type, id) : []));
  }

  /** Whether a text is being written. */
  get isWriting(): boolean {
    return this.#open.size > 0;
  }

  /** Forgets what is void. @returns whether there was any */
  forgetVoid(): boolean {
    const before = this.#parts.length;
    this.#parts = this.#parts.filter(({ by }) => by?.isVoid !== true);
    for (const parts of [this.#open, this.#told]) {
      for (const [key, { by }] of parts) if (by?.isVoid === true) parts.delete(key);
    }
    return this.#parts.length < before;
  }

  /** All of it, in few chunks, in place of what a reader has: its step begins anew. */
  again(): UIMessageChunk[] {
    return [{ type: "reset-step" }, ...this.#parts.flatMap(chunksOf)];
  }

  #tell(
    chunk: UIMessageChunk,
    chunks: readonly UIMessageChunk[],
    by: Author | undefined,
    key: string | undefined,
  ): UIMessageChunk[] {
    if (by?.isVoid === true) return [];
    const last = key === undefined ? undefined : this.#told.get(key);
    if (last?.by === by && last !== undefined) last.chunks = chunks;
    else {
      const part: ToldPart = { type: "told", by, chunks };
      this.#parts.push(part);
      if (key !== undefined) this.#told.set(key, part);
    }
    return [chunk];
  }
}

function chunksOf(part: Part): readonly UIMessageChunk[] {
  if (part.type === "told") return part.chunks;
  const { type, id, text, open } = part;
  const written: UIMessageChunk[] = [
    { type: `${type}-start`, id },
    { type: `${type}-delta`, id, delta: text },
  ];
  return open ? written : [...written, { type: `${type}-end`, id }];
}
