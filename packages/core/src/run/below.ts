import type { SluiceError } from "../error/sluice-error.ts";
import type { Asker } from "./asker.ts";

/** How much is going on. */
export interface Held {
  readonly timers: number;
  readonly attempts: number;
}

/** What an attempt has opened, and ends before it: a child, a generation. */
export interface Below {
  readonly held: Held;
  /** Whether it is a question that its attempt waits for. */
  readonly asks?: true;
  /** Whether it only waits for answers. */
  readonly isWaiting?: boolean;
  /** Of a child: its questions. */
  readonly people?: Asker;
  readonly cancel: (reason: string, options: { readonly rollback: boolean }) => void;
  /** Calls back once, when it has ended. */
  readonly onEnded: (callback: (error: SluiceError | undefined, result: unknown) => void) => void;
}
