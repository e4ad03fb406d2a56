import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** A request to the post office. */
export interface PostOptions {
  readonly abortSignal: AbortSignal;
  /** What is posted under a key that is known is not posted again. */
  readonly idempotencyKey: string;
}

/** A service outside of all executions, slow enough for a Ctrl-C while it works: it keeps what it has posted in a file. */
export class PostOffice {
  readonly #file: string;
  readonly #pauseMs: number;

  constructor(file: string, { pauseMs }: { readonly pauseMs: number }) {
    this.#file = file;
    this.#pauseMs = pauseMs;
  }

  /** Takes its time. Rejects when that is ended. */
  async pause(abortSignal: AbortSignal): Promise<void> {
    await setTimeout(this.#pauseMs, undefined, { signal: abortSignal });
  }

  /** Posts a text, then writes the receipt: whoever is gone in between does not know that it is posted. */
  async send(text: string, { abortSignal, idempotencyKey }: PostOptions): Promise<string> {
    const isKnown = this.#posted().some((line) => line.startsWith(`${idempotencyKey} `));
    if (!isKnown) appendFileSync(this.#file, `${idempotencyKey} ${text}\n`);
    await this.pause(abortSignal);
    return isKnown ? `the post office has it already: ${text}` : `posted: ${text}`;
  }

  /** How often something was posted for an execution. */
  count(executionId: string): number {
    return this.#posted().filter((line) => line.startsWith(`${executionId}/`)).length;
  }

  #posted(): readonly string[] {
    return existsSync(this.#file) ? readFileSync(this.#file, "utf8").split("\n") : [];
  }
}
