import type { SluiceError } from "../error/sluice-error.ts";
import type { Arrival } from "./arrival.ts";
import type { Claims } from "./claims.ts";
import type { EntryOf, RollbackCause } from "./entry.ts";
import type { Question } from "./questions.ts";
import { type ReplyIssues, noIssues } from "./reply-issues.ts";

/** One triggering of a chunk. */
export interface Activation {
  /** `a1`, `a2`, … in the order of triggering. */
  readonly id: string;
  /** Its number: what is triggered earlier starts earlier. */
  readonly order: number;
  /** Position of the chunk in the graph, and of the trigger that fired in the chunk. */
  readonly chunk: number;
  readonly trigger: number;
  /** What fired, as it is written. */
  readonly event: string;
  readonly arrival: Arrival;
  /** Attempts that have been started. */
  attempts: number;
  /** Those of them that a crash has cut off: they are none of its retries. */
  cutOff: number;
  running: boolean;
  /** Whether it may run as far as the concurrency limits go. */
  granted: boolean;
  /** The pause before its next attempt, while no timer has been set for it. */
  retryIn: number | undefined;
  /** Whether a reply of it has triggered something: then what it returns is not the flow's result. */
  heard: boolean;
  /** What was wrong with its replies. */
  issues: readonly ReplyIssues[];
  /** Whether nothing follows from it any more. */
  over: boolean;
  /** What it follows from has been taken back: it is ended, and what it did is undone. */
  retracted: boolean;
  /** It has failed for good, which counts when what it follows from is confirmed. */
  failure: EntryOf<unknown, "chunk:failed"> | undefined;
  /** The time of its join is over, in milliseconds: it never starts, and has failed. */
  readonly expired: number | undefined;
}

/** An activation that the machine does not hold: of a live chunk, or of an undoing. */
export function passing(
  own: Pick<Activation, "id" | "chunk" | "trigger" | "event" | "arrival">,
  attempts = 0,
): Activation {
  const standing = {
    cutOff: 0,
    running: true,
    granted: true,
    retryIn: undefined,
    heard: false,
    issues: noIssues,
    over: false,
    retracted: false,
    failure: undefined,
    expired: undefined,
  };
  return { ...own, order: 0, attempts, ...standing };
}

/** A completed chunk that can be undone. */
export interface Undoing {
  readonly activationId: string;
  /** Position of the chunk in the graph. */
  readonly chunk: number;
  readonly lane: string;
  readonly input: unknown;
  readonly output: unknown;
  /** What it follows from and can be taken back. */
  readonly claims: Claims | undefined;
  /** Whether it has been taken back: it is undone while the execution goes on. */
  due: boolean;
  /** Attempts to undo it that have failed. */
  attempts: number;
  /** The pause before the next one, while no timer has been set for it. */
  retryIn: number | undefined;
}

/** What the machine asks the shell to do. */
export type Command =
  /** Start the next attempt of an activation. */
  | { readonly type: "start"; readonly activation: Activation }
  /** The time of an activation's join is over. */
  | { readonly type: "expire"; readonly activation: Activation }
  /** Wait, then start the next attempt of an activation, or of an undoing. */
  | { readonly type: "retry"; readonly of: Waiting; readonly delayMs: number }
  /** Set a timer: of the execution's time, of its idle time, of a join. */
  | { readonly type: "limit"; readonly timer: string; readonly timeoutMs: number }
  /** A timer is needed no more. */
  | { readonly type: "unset"; readonly timer: string }
  /** A timer that has been set is to fire at this time. */
  | { readonly type: "wait"; readonly timer: string; readonly dueAt: number }
  /** Give a payload to a pipeline. */
  | { readonly type: "pipe"; readonly step: string; readonly payload: unknown }
  /** Ask people a question. */
  | { readonly type: "raise"; readonly question: Question }
  /** The time of a question is over. */
  | { readonly type: "lapse"; readonly id: string }
  /** Nothing has happened for the idle time: let no more events in. */
  | { readonly type: "close" }
  /** The time of the execution is over. */
  | { readonly type: "timeout" }
  /** Nothing is unfinished: end the execution, once the live chunks are done. */
  | { readonly type: "complete" }
  /** A chunk has failed for good: end the execution. */
  | { readonly type: "fail"; readonly error: SluiceError }
  /** End the execution so, when its children have undone their work. */
  | { readonly type: "end"; readonly cause: RollbackCause }
  /** Undo a completed chunk. */
  | { readonly type: "undo"; readonly undo: Undoing }
  /** Signals are taken back: tell it, and end what still runs because of them. */
  | {
      readonly type: "retract";
      readonly ids: readonly string[];
      readonly activations: readonly string[];
      /** Whether the log has it already. */
      readonly told: boolean;
      readonly running: readonly Activation[];
    }
  /** All that could be undone is: end the execution. */
  | { readonly type: "rolled-back" };

/** Who waits for its next attempt, and the timer that it waits for. */
export interface Waiting {
  readonly timer: string;
  readonly activationId: string;
  readonly chunk: number;
  readonly lane: string;
  readonly attempt: number;
}
