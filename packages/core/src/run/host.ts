import type { SchedulerLike } from "rxjs";
import type { ChildOptions, Runnable } from "../define/runnable.ts";
import type { Spec } from "../define/spec.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import type { FieldListener } from "../graph/routes.ts";
import type { Entry, EntryDraft } from "../machine/entry.ts";
import type { Machine } from "../machine/machine.ts";
import type { Attempt } from "./attempt.ts";
import type { People } from "./people.ts";
import type { Identity } from "./identity.ts";
import type { Keeper } from "./keeper.ts";

/** Where a value of a reply is, for the chunks that listen to it. */
export interface FieldPlace {
  readonly path: string;
  readonly indexes: readonly number[];
}

/** What an attempt knows of the execution it runs in: all that a ctx and its readings can do goes through here. */
export interface Host {
  readonly id: string;
  readonly identity: Identity;
  readonly spec: Spec;
  readonly machine: Pick<Machine, "routes" | "kept" | "done">;
  readonly state: Readonly<Record<string, unknown>>;
  readonly streamStopped: boolean;
  readonly scheduler: SchedulerLike;
  /** The scheduler's clock, in Unix milliseconds. */
  readonly now: () => number;
  /** Appends a fact, durable or live. `at`: now, where it has been read already. After the final entry it does nothing, and gives nothing. */
  readonly append: (draft: EntryDraft, live?: boolean, at?: number) => Entry | undefined;
  /** Of an execution that is stored. */
  readonly keeper: Keeper | undefined;
  /** Calls back when what has been appended is stored, where chunks wait for that, with an error when it cannot be; else at once. */
  readonly whenSafe: (act: (failure: SluiceError | undefined) => void) => void;
  /** Calls back once, when a timer of the execution has fired. @returns takes it back */
  readonly onTimer: (timer: string, act: () => void) => () => void;
  /** Appends a signal. @returns its id */
  readonly emit: (attempt: Attempt, event: string, payload: unknown) => string;
  /** Appends an item of the runtime stream. */
  readonly putItem: (attempt: Attempt, item: unknown) => void;
  /** What services are given that must act once for an activation. */
  readonly keyOf: (attempt: Attempt) => string;
  /** Ends an attempt with an error, at once, whatever its code does. */
  readonly fail: (attempt: Attempt, error: SluiceError) => void;
  /** Ends the generation of a reply that an attempt follows from. @throws SluiceError `reply-not-stoppable` */
  readonly stop: (attempt: Attempt, reply: string) => void;
  /** Runs a child. Rejects when it does not complete. */
  readonly child: (
    attempt: Attempt,
    flow: Runnable,
    input: unknown,
    options: ChildOptions<Runnable>,
  ) => Promise<unknown>;
  /** The questions of the execution. */
  readonly people: People;
  /** Completes the execution, with the attempt's result. */
  readonly end: (attempt: Attempt) => void;
  /** Queues the live chunks that listen to a piece or a beginning. */
  readonly startLive: (attempt: Attempt, listeners: readonly FieldListener[], payload: unknown, at: FieldPlace) => void;
}
