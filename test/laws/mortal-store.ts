import type { Append, Store } from "@sluice/core";

/** A store that answers at once, as one in memory does. */
export type PromptStore = {
  readonly [K in keyof Store]: (...args: Parameters<Store[K]>) => Exclude<ReturnType<Store[K]>, Promise<unknown>>;
};

/** How a process ends. */
export interface Death {
  /** With which of its appends. */
  readonly after: number;
  /** Whether that one was stored. */
  readonly taken: boolean;
  /** `silent`: the store never answers again; `throws`: it fails once. */
  readonly how: "silent" | "throws";
}

/** A process, as far as its store knows. */
export interface Mortal {
  /** Whether its store answers. */
  readonly alive: () => boolean;
  /** Hears what is about to be stored. */
  readonly onAppend?: (appends: readonly Append[]) => void;
  /** How long the store takes; at once where it is left out. */
  readonly wait?: () => Promise<void>;
  readonly die: () => void;
}

const never = new Promise<never>(() => {});

/** The same store as a process sees it that dies with one of its appends. */
export function mortalStore(base: PromptStore, death: Death | undefined, process: Mortal): Store {
  let appends = 0;
  const slow = <T>(answer: () => T): T | Promise<T> => {
    if (!process.alive()) return never;
    if (process.wait === undefined) return answer();
    return process.wait().then(() => (process.alive() ? answer() : never));
  };
  return {
    ...base,
    append(given) {
      if (!process.alive()) return never;
      process.onAppend?.(given);
      appends += 1;
      if (appends !== death?.after) return slow(() => base.append(given));
      if (death.taken) void base.append(given);
      process.die();
      if (death.how === "throws") throw new Error("the disk is full");
      return never;
    },
    read: (...args) => slow(() => base.read(...args)),
    find: (...args) => slow(() => base.find(...args)),
    checkpoint: (...args) => slow(() => base.checkpoint(...args)),
    claim: (...args) => slow(() => base.claim(...args)),
    answers: (...args) => slow(() => base.answers(...args)),
  };
}
