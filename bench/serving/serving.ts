import type { RequestListener } from "node:http";

/** How entries come about: so many in a turn of the event loop, or one in so many milliseconds. */
export type Pace = { readonly perTurn: number } | { readonly everyMs: number };

/** One way to serve live streams over HTTP. */
export interface Serving {
  readonly name: string;
  readonly listener: RequestListener;
  /** Makes a stream of so many items; nothing flows yet. @returns the path at which clients watch it */
  readonly prepare: (count: number, pace: Pace) => Promise<string>;
  /** Lets the stream that was prepared last flow to those who watch it. */
  readonly flow: () => void;
}

/** What the process of a server is asked for. */
export type Asked =
  | { readonly ask: "prepare"; readonly count: number; readonly pace: Pace }
  /** Answered when so many clients are there. */
  | { readonly ask: "gather"; readonly clients: number }
  | { readonly ask: "flow" }
  | { readonly ask: "memory" };

/** What it answers: what it was asked for. */
export interface Answered {
  readonly name?: string;
  readonly port?: number;
  readonly path?: string;
  /** Bytes that are held after a collection, in the heap and in buffers outside it. */
  readonly held?: number;
  /** Bytes of the process as a whole. */
  readonly resident?: number;
}

/** Brings about so many items, at their pace. */
export async function atPace(count: number, pace: Pace, put: (index: number) => void): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    if ("everyMs" in pace) await new Promise((resolve) => setTimeout(resolve, pace.everyMs));
    else if (index > 0 && index % pace.perTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    put(index);
  }
}
