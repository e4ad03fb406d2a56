import { closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import type { Context, EventDef, PayloadFor } from "@sluice/core";

/** What a worker process has done or seen, outside of what it stores. `key` is of an activation: its idempotency key. */
export type Line =
  /** A chunk is called; `cause` is the number of the entry that triggered it. */
  | { what: "begin"; key: string; run: string; chunk: string; attempt: number; cause: number; input: string }
  /** Its code is through. */
  | { what: "end"; key: string; run: string }
  /** An undoing is called. */
  | { what: "undo"; key: string; run: string; attempt: number }
  /** The work of a step is called. */
  | { what: "step"; key: string; step: string }
  /** What a step has given to its chunk. */
  | { what: "got"; key: string; step: string; value: string }
  /** A signal is emitted. */
  | { what: "emit"; key: string; run: string; event: string; payload: string }
  /** A model is asked for a reply. */
  | { what: "model"; key: string }
  /** An observer is shown a durable entry. */
  | { what: "seen"; execution: string; seq: number; text: string }
  /** `stored()` has told that an event or an answer is stored. */
  | { what: "stored"; execution: string; event: string; id: string }
  /** `result` has settled: as JSON, or with an error's code. */
  | { what: "result"; execution: string; value?: string; code?: string }
  /** What must never happen. */
  | { what: "fault"; text: string };

/** A file to which each line is synced when it is written. Several processes may write to it. */
export class Witness {
  readonly #file: number;
  readonly #life: string;
  readonly #onWritten: () => void;
  #runs = 0;

  /** @param onWritten hears of each line when it is on the disk */
  constructor(path: string, life: string, onWritten: () => void = () => {}) {
    this.#file = openSync(path, "as");
    this.#life = life;
    this.#onWritten = onWritten;
  }

  write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
    this.#onWritten();
  }

  close(): void {
    closeSync(this.#file);
  }

  /** A chunk is called. */
  begin(chunk: string, ctx: Context, input: unknown): Told {
    const run = `${this.#life}.${(this.#runs += 1)}`;
    const { idempotencyKey: key, attempt, signal } = ctx;
    const cause = Number(signal.id.slice(1));
    this.write({ what: "begin", key, run, chunk, attempt, cause, input: JSON.stringify(input) ?? "" });
    return new Told(this, ctx, { key, run });
  }

  /** The undoing of a chunk is called. */
  undo(ctx: Context): Told {
    const run = `${this.#life}.${(this.#runs += 1)}`;
    const key = ctx.idempotencyKey.replace(/\/undo$/, "");
    this.write({ what: "undo", key, run, attempt: ctx.attempt });
    return new Told(this, ctx, { key, run });
  }
}

/** One attempt, which tells the witness what it does. */
export class Told {
  readonly #witness: Witness;
  readonly #ctx: Context;
  readonly #whose: { readonly key: string; readonly run: string };

  constructor(witness: Witness, ctx: Context, whose: { readonly key: string; readonly run: string }) {
    this.#witness = witness;
    this.#ctx = ctx;
    this.#whose = whose;
  }

  /** A step whose value is another one each time that its work is called. */
  async step(step: string, work: () => void | Promise<void> = () => {}): Promise<void> {
    const { key, run } = this.#whose;
    const value = await this.#ctx.step(step, async () => {
      this.#witness.write({ what: "step", key, step });
      await work();
      return run;
    });
    this.#witness.write({ what: "got", key, step, value });
  }

  emit<E extends EventDef>(event: E, payload: PayloadFor<E>): void {
    this.#witness.write({ what: "emit", ...this.#whose, event: event.name, payload: canonical(payload) });
    this.#ctx.emit(event, payload);
  }

  /** A reply that is written in pieces. */
  async *pieces(text: string, size: number): AsyncGenerator<string> {
    this.#witness.write({ what: "model", key: this.#whose.key });
    for (let at = 0; at < text.length; at += size) {
      await turns(1);
      yield text.slice(at, at + size);
    }
  }

  end(): void {
    this.#witness.write({ what: "end", ...this.#whose });
  }
}

/** Lets others go on: so many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What stands in a witness file from an offset on. A last line that a kill has cut off is taken away. */
export function readWitness(path: string, from: number): { readonly lines: readonly Line[]; readonly to: number } {
  const bytes = readFileSync(path).subarray(from);
  const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
  if (whole.length < bytes.length) truncateSync(path, from + whole.length);
  const lines = whole.toString("utf8").split("\n").slice(0, -1);
  return { lines: lines.map((line) => JSON.parse(line) as Line), to: from + whole.length };
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, data: unknown) =>
    typeof data === "object" && data !== null && !Array.isArray(data)
      ? Object.fromEntries(Object.entries(data).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : data,
  );
}
