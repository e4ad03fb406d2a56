import type { z } from "zod";
import type { EventDef } from "./event.ts";
import type { Instant, Stoppable } from "./instant.ts";
import type { Interrupt } from "./interrupt.ts";
import type { SpecOf } from "./payload.ts";
import type { ArgsOf, ChildOptions, RunInput, Runnable } from "./runnable.ts";
import type { Given, PayloadFor, ResultOf, SchemaAt, Spec, StateOf } from "./spec.ts";
import type { TokenSource } from "./token-source.ts";

/** The recoverable data of an execution, as one chunk sees it. Values are immutable: change them with `set` or `update`. */
export interface State<T> {
  readonly get: <K extends keyof T>(key: K) => T[K];
  /**
   * Replaces one key: a fact, at once.
   *
   * @throws SluiceError `state-invalid` or `not-serialisable`; nothing is changed then.
   */
  readonly set: <K extends keyof T>(key: K, value: T[K]) => void;
  /** Changes a draft of the whole state in one atomic step; what `change` returns is ignored. @throws as `set` */
  readonly update: (change: (draft: T) => void) => void;
}

/** What made a chunk run. */
export interface Signal {
  /** The entry that triggered it: `s12` for a signal, `e7` for the start or another chunk's completion. */
  readonly id: string;
  /** Which trigger fired, as it is written: `escalated`, `after("read")`, `triage.field("steps[*]")`. */
  readonly event: string;
  /** Where in the reply, such as `steps[2]`; empty for other triggers. */
  readonly path: string;
  /**
   * The array positions in `path`, outermost first; for what comes from no reply, those of the fan-outs that it lies in. Of
   * a gather, the positions of the items that are there.
   */
  readonly indexes: readonly number[];
  /** The question that was answered, or has expired; left out for other triggers. */
  readonly interrupt?: string;
}

/** A text as it is written: await it for the whole, or iterate it for its pieces. */
export interface TextReply extends Promise<string>, AsyncIterable<string> {}

/** How a reply is opened. */
export interface OpenOptions {
  /** Chunks that it triggers may end its generation, with `ctx.stop`. @default false */
  readonly stoppable?: boolean;
}

/** Opens a reply. */
export interface OpenReply {
  <R extends Instant>(
    reply: R,
    source: TokenSource,
    options: { readonly stoppable: true },
  ): Promise<Stoppable<z.output<R["schema"]>>>;
  <R extends Instant>(
    reply: R,
    source: TokenSource,
    options?: { readonly stoppable?: false },
  ): Promise<z.output<R["schema"]>>;
}

/** What the work of a step is given. */
export interface StepOptions {
  /** Fires when the attempt ends. */
  readonly abortSignal: AbortSignal;
  /** The same for every try of this step: give it to services that must act once. */
  readonly idempotencyKey: string;
}

/** What a chunk can do. All of it may be taken apart: `({ emit, state }) => …`. */
// Functions are properties, not methods: methods are compared bivariantly, and another flow's ctx would fit.
export interface Context<S = any> {
  readonly "~spec": (spec: S) => S;
  readonly state: State<StateOf<S>>;
  readonly signal: Signal;
  /** Fires when this attempt ends from outside: a cancel, or a failure elsewhere. */
  readonly abortSignal: AbortSignal;
  readonly executionId: string;
  readonly activationId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The same for every attempt of this activation: give it to services that must act once. */
  readonly idempotencyKey: string;
  /** Shows an item to whoever watches, at once. @throws SluiceError `item-invalid` or `schema-missing` */
  readonly putIntoStream: (item: Given<S, "stream">) => void;
  /** Ends the runtime stream, not the execution. */
  readonly stopStream: () => void;
  /** The result, when this chunk completes; the last in the log wins. @throws SluiceError `result-invalid` or `schema-missing` */
  readonly setResult: (value: Given<S, "result">) => void;
  /** Answers now: sets the result, ends what else is running, and completes the execution. Nothing follows. */
  readonly end: (...result: [SchemaAt<S, "result">] extends [never] ? [] : [result: Given<S, "result">]) => void;
  /**
   * Emits a business event: a fact, at once. Nothing starts inside the call. What an earlier attempt has emitted with an
   * equal payload is not emitted again, one for one.
   *
   * @returns the signal's id; of what is not emitted again, the earlier one's.
   * @throws SluiceError `payload-invalid`
   */
  readonly emit: <E extends EventDef>(event: E, payload: PayloadFor<E>) => string;
  /**
   * Reads a structured reply; its fields become signals while it is written. One that is complete is kept: a later attempt
   * of this chunk gets it without asking again.
   *
   * @returns the whole, validated reply; with `stoppable`, whether it was stopped, and what there was then.
   * @throws SluiceError `reply-invalid`, `reply-truncated`, `reply-no-json`, `reply-syntax` or `model-failed`
   */
  readonly instant: OpenReply;
  /**
   * Ends the generation of a reply that this chunk follows from, through its fields and what chunks returned: what is
   * complete counts, what is open is dropped. When the reply is over already, it does nothing.
   *
   * @throws SluiceError `reply-not-stoppable` when the reply was not opened as stoppable, or this chunk does not follow from it
   */
  readonly stop: (reply: Instant) => void;
  /**
   * Asks people, when this chunk completes. What depends on the answer goes on with `@on(Def.answered)`; nothing else waits.
   *
   * @returns the question's id, by which it is answered.
   * @throws SluiceError `interrupt-invalid`, or `interrupt-unheard` when nothing in the flow listens to its answer
   */
  readonly interrupt: <D extends Interrupt>(question: D, payload: z.input<D["ask"]>) => string;
  /**
   * Asks people and waits, written inline: for short waits. A later attempt that asks the same, in the same order, gets an
   * answer that an earlier one has got; the time of the chunk's `timeout` stands still meanwhile.
   *
   * @throws SluiceError `interrupt-invalid`; `interrupt-expired` when nobody answers in time
   */
  readonly ask: <D extends Interrupt>(question: D, payload: z.input<D["ask"]>) => Promise<z.output<D["answer"]>>;
  /**
   * Does a piece of work once: what it comes to is stored, and a later attempt of this chunk gets that without calling
   * `work`. A step that fails, or whose attempt ends before it, stores nothing: a later attempt does it again. Steps may run
   * side by side.
   *
   * @param name once in an attempt, also for a step that has failed: with the item's id where there are several.
   * @returns a copy of what `work` came to, as plain JSON or undefined: the same now and in later attempts.
   * @throws SluiceError `step-repeated` or `not-serialisable`; else what `work` throws
   */
  readonly step: <T>(name: string, work: (step: StepOptions) => T | PromiseLike<T>) => Promise<T>;
  /**
   * Waits by a recorded timer. The nth sleep of a later attempt is the nth of an earlier one: over, or due when that is. The
   * time of the chunk's `timeout` goes on meanwhile.
   *
   * @throws SluiceError `sleep-invalid` for what is no finite number, or below 0
   */
  readonly sleep: (ms: number) => Promise<void>;
  /**
   * Runs another flow as a child: it writes into this execution's log under its own `path`, has a state of its own, and
   * ends at the latest with this attempt.
   *
   * @returns its result.
   * @throws SluiceError `child-failed` (its `cause` is the child's error), `child-too-deep`, `input-invalid`
   */
  readonly child: <C extends Runnable>(
    flow: C,
    input: RunInput<C>,
    ...options: ArgsOf<C, ChildOptions<C>>
  ) => Promise<ResultOf<SpecOf<C>>>;
  /** Reads plain text. Where tools ran, the whole is what the model wrote after them. @throws SluiceError `model-failed` */
  readonly text: (source: TokenSource) => TextReply;
  /** The whole of a plain text that nobody needs to see while it is written: no token gets into the log. @throws as `text` */
  readonly generate: (source: TokenSource) => Promise<string>;
}

/** The ctx of a flow's chunks: `ctx: ContextOf<typeof spec>`. */
export type ContextOf<S extends Spec> = Context<S>;
