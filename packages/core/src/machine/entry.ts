import type { InputOf, ItemOf, ResultOf, StateOf } from "../define/spec.ts";
import type { Resolved, Spent } from "../define/token-source.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import type { FieldIssue } from "../schema/field-issue.ts";
import type { Repair } from "../schema/repair.ts";
import type { InvalidReply } from "./reply-issues.ts";

/** What every entry carries. */
export interface Common {
  /** Counts durable entries from 1, without holes. A live entry has the number of the durable one before it. */
  readonly seq: number;
  /** 0 for a durable entry; n for the nth live entry after entry `seq`, whose position is `seq.n`. */
  readonly live: number;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly executionId: string;
  /** Where it comes from: the flow's name, then each child's. */
  readonly path: readonly string[];
}

/** What the entries of a chunk carry besides. */
export interface OfChunk {
  readonly chunk: string;
  readonly activationId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The correlation scope: `/` for the root lane, `/triage@a1:steps[2]` for an item of a reply. */
  readonly lane: string;
}

/** One value of a reply. */
interface OfField extends OfChunk {
  /** The reply's name. */
  readonly reply: string;
  /** Tells replies of the same name apart. */
  readonly replyId: string;
  /** Where in the reply, such as `items[3].name`; empty for the whole. */
  readonly field: string;
  /** The array positions in `field`, outermost first. */
  readonly indexes: readonly number[];
}

/** One call of a model. */
interface OfModel extends OfChunk {
  /** Tells the calls of an attempt apart: 1 for its first. */
  readonly call: number;
}

/** One call of a tool, by a model. */
interface OfTool extends OfChunk {
  readonly tool: string;
  readonly toolCallId: string;
}

/** One change of the state. */
export interface StateDiff<T = Record<string, unknown>> {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** The new values of what was added or changed. */
  readonly values: Partial<T>;
}

/** An RFC 6902 operation. */
export interface JsonPatch {
  readonly op: "add" | "remove" | "replace";
  /** An RFC 6901 pointer, such as `/customer/name`. */
  readonly path: string;
  readonly value?: unknown;
}

/** A completed chunk whose compensation failed for good. */
export interface NotUndone {
  readonly chunk: string;
  readonly activationId: string;
  readonly error: SluiceError;
}

/** A question to people, as the chunk that asks it has put it. */
export interface Asked {
  /** Unique in its execution. */
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
  /** Milliseconds that an answer is waited for; left out where there is no limit. */
  readonly expires?: number;
}

/** A question that people can answer. */
export interface OpenQuestion {
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
  /** The flow that asks: the execution's, or a child's. */
  readonly path: readonly string[];
  readonly chunk: string;
}

/** Why completed chunks are undone: what the execution will end with. */
export type RollbackCause =
  | { readonly end: "flow:failed"; readonly error: SluiceError }
  | { readonly end: "flow:timeout"; readonly elapsedMs: number }
  | { readonly end: "flow:cancelled"; readonly reason: string };

/** Why, without where that is told. */
export function causeOf(cause: RollbackCause): RollbackCause {
  switch (cause.end) {
    case "flow:failed":
      return { end: cause.end, error: cause.error };
    case "flow:timeout":
      return { end: cause.end, elapsedMs: cause.elapsedMs };
    case "flow:cancelled":
      return { end: cause.end, reason: cause.reason };
    default:
      return cause satisfies never;
  }
}

interface Ended<S> {
  readonly state: StateOf<S>;
  readonly durationMs: number;
  /** Left out when all that was to be undone is. */
  readonly notUndone?: readonly NotUndone[];
}

/** The log's vocabulary: one line an entry type. */
export interface EntryFields<S = any> {
  "flow:start": {
    readonly flow: string;
    readonly graphHash: string;
    readonly input: InputOf<S>;
    readonly state: StateOf<S>;
    /** Of a child: the activation that runs it. */
    readonly parent?: string;
  };
  /** It is to end so, as soon as the children that run have undone their work. */
  "flow:ending": RollbackCause;
  /** What has completed is undone from here on, the last one first; then comes the final entry. */
  "flow:rollback": RollbackCause;
  signal: Partial<OfChunk> & {
    readonly id: string;
    readonly event: string;
    readonly payload: unknown;
    /** The activation that emitted it, or `outside`. */
    readonly cause: string;
    readonly lane: string;
    /** Of what a pipeline yields: which one. */
    readonly pipeline?: string;
  };
  /** What fields of a reply brought about is taken back: the reply has failed, or was written otherwise. */
  "signal:retracted": {
    /** Of the signals: `e12` for the field of entry 12. */
    readonly ids: readonly string[];
    /** The activations that had begun because of them: what they have shown is void. */
    readonly activations: readonly string[];
  };
  "chunk:start": OfChunk & { readonly trigger: string; readonly input: unknown };
  "chunk:skipped": OfChunk & { readonly trigger: string };
  "chunk:complete": OfChunk & {
    readonly output: unknown;
    readonly result?: unknown;
    /** What it asks people: they are told with `interrupt:raised`. */
    readonly interrupts?: readonly Asked[];
    readonly durationMs: number;
  };
  "chunk:failed": OfChunk & {
    readonly error: SluiceError;
    readonly willRetry: boolean;
    /** What was wrong with its replies as wholes; of single values `field:invalid` tells. The next attempt's models are told. */
    readonly replies?: readonly InvalidReply[];
  };
  /** The wait before the next attempt begins. */
  "chunk:retry": OfChunk & { readonly delayMs: number };
  /** What an attempt has shown is void: it is tried again. */
  "chunk:reset": OfChunk & { readonly discardedAttempt: number };
  /** A step of an attempt, or of an undoing, is finished: a later attempt gets its value. */
  "step:complete": OfChunk & {
    readonly name: string;
    /** Left out of what is stored where it is undefined. */
    readonly value: unknown;
  };
  /** An attempt to undo a completed chunk is over; without `error` it is undone. */
  "chunk:compensated": OfChunk & {
    readonly error?: SluiceError;
    readonly willRetry: boolean;
    readonly durationMs: number;
  };
  /** Live: something was asked of a ctx whose attempt has ended, or of a stream that was stopped. */
  "chunk:late": OfChunk & { readonly call: string };
  /** Durable; live where it comes from a live chunk. */
  "stream:item": OfChunk & {
    readonly item: ItemOf<S>;
    /** Of a child whose items are not shown in its parent's stream. */
    readonly unbridged?: true;
  };
  "stream:stop": OfChunk;
  "state:changed": OfChunk & { readonly diff: StateDiff<StateOf<S>>; readonly patches: readonly JsonPatch[] };
  /** Live, with `durability: "exit"`: what was shown up to an entry is stored. In the other modes nothing is shown before it is. */
  "state:persisted": { readonly uptoSeq: number };
  "model:start": OfModel & {
    readonly model: string;
    /** The reply that is read from what it writes; left out where that is read as a text. */
    readonly replyId?: string;
  };
  /** Live. */
  "model:token": OfModel & { readonly delta: string };
  /** Live. */
  "model:reasoning": OfModel & { readonly delta: string };
  /** Usage and cost are as far as they are known: of a call that is ended early or fails, an estimate or nothing. */
  "model:finish": OfModel &
    Spent & {
      readonly model: string;
      /** The model's own; or `aborted`: the generation was ended before its end; or `error`: it failed. */
      readonly finishReason: string;
      readonly durationMs: number;
      /** Time to the first token; left out when none came. */
      readonly firstTokenMs?: number;
      /** Of an aborted generation: the tokens that were not written. Left out where the source cannot know. */
      readonly tokensSaved?: number;
    };
  /** Another model is asked than the one that was wanted, or the same again after a wait. */
  "model:resolved": OfChunk & Resolved;
  /** So much of a budget is spent: once for each threshold, in order. */
  "budget:threshold_reached": {
    readonly thresholdPct: 50 | 75 | 90 | 100;
    readonly spentUsd: number;
    readonly spentTokens: number;
    readonly budgetUsd?: number;
    readonly budgetTokens?: number;
    /** Of a chunk's budget; left out for the execution's. */
    readonly chunk?: string;
  };
  /** The price of a model is not known, and its calls count nothing in dollars. Once a model. */
  "budget:price_unknown": { readonly model: string };
  /** Live: more of what the model writes as its input, before it starts. */
  "tool:input": OfTool & OfModel & { readonly delta: string };
  "tool:call_start": OfTool & { readonly args: unknown };
  "tool:call_finish": OfTool & {
    readonly durationMs: number;
    readonly success: boolean;
    /** What it gave, in plain data; left out where the source does not tell. */
    readonly output?: unknown;
    /** What went wrong, in words and without keys. */
    readonly error?: string;
  };
  /** Live. */
  "tool:progress": OfTool & { readonly data: unknown };
  /** Live. */
  "field:opened": OfField & { readonly kind: string };
  /** Live. */
  "field:delta": OfField & { readonly delta: string };
  /** Durable where something listens, else live. */
  "field:complete": OfField & {
    readonly value: unknown;
    /** What the model wrote; left out where `value` is the same. */
    readonly raw?: unknown;
  };
  /** Durable. */
  "field:invalid": OfField & {
    readonly issues: readonly FieldIssue[];
    /** What the model wrote. */
    readonly raw: unknown;
  };
  "reply:complete": OfChunk & {
    readonly reply: string;
    readonly replyId: string;
    readonly value: unknown;
    /** Where the reply was no JSON and was read all the same; left out where it was JSON. At most 100. */
    readonly repairs?: readonly Repair[];
  };
  /** The generation was ended on purpose, before its end. */
  "reply:stopped": OfChunk & {
    readonly reply: string;
    readonly replyId: string;
    /** What was complete, unchecked as a whole. */
    readonly value: unknown;
    /** Who stopped it. */
    readonly reason: string;
    /** The tokens that were not written; left out where the source cannot know. */
    readonly tokensSaved?: number;
  };
  /** People are asked. */
  "interrupt:raised": OfChunk & {
    readonly interrupt: Omit<Asked, "expires">;
    /** Whether the attempt that asks waits for the answer itself. */
    readonly inline?: true;
    /** When its time is over, in Unix milliseconds. */
    readonly dueAt?: number;
  };
  "interrupt:answered": OfChunk & {
    /** The question's id and name. */
    readonly interrupt: Pick<Asked, "id" | "name">;
    /** As the schema puts it out. */
    readonly answer: unknown;
    /** Who sends the same again with the same id is told nothing new. */
    readonly requestId?: string;
  };
  "interrupt:expired": OfChunk & { readonly interrupt: Pick<Asked, "id" | "name"> };
  /** All that is unfinished waits for answers. */
  "flow:waiting": { readonly state: StateOf<S>; readonly interrupts: readonly OpenQuestion[] };
  /** Something has come: it waits no longer. */
  "flow:resume": {};
  /** What came before was another execution's, up to there: this one goes its own way. */
  "flow:forked": {
    readonly from: { readonly executionId: string; readonly seq: number };
    /** Left out where it is what it was. */
    readonly state?: StateOf<S>;
  };
  /** Events from outside are waited for no longer: what is unfinished goes on, then the execution completes. */
  "flow:close": { readonly reason: string };
  /** A timer of an activation's retry, of its nth sleep (`sleep a3#1`), of a join, of the flow (`flow`), or of its idle time (`idle`). */
  "timer:set": { readonly timer: string; readonly dueAt: number };
  /** Of a timer that was set, or of a question whose time is over. */
  "timer:fired": { readonly timer: string };
  "flow:completed": Ended<S> & { readonly result: ResultOf<S> };
  "flow:failed": Ended<S> & { readonly error: SluiceError };
  "flow:timeout": Ended<S> & { readonly elapsedMs: number };
  "flow:cancelled": Ended<S> & { readonly reason: string };
}

/** The entry types that end an execution: exactly one is in each ended log, and it is last. */
export type FinalType = "flow:completed" | "flow:failed" | "flow:timeout" | "flow:cancelled";
export type EntryType = keyof EntryFields;
export type EntryOf<S, K extends EntryType> = Common & { readonly type: K } & EntryFields<S>[K];
/** One fact of an execution. */
export type Entry<S = any> = { [K in EntryType]: EntryOf<S, K> }[EntryType];
/** An entry before the log has given it its place and time. */
export type EntryDraft = { [K in EntryType]: { readonly type: K } & EntryFields[K] }[EntryType];
export type FinalEntry<S = any> = { [K in FinalType]: EntryOf<S, K> }[FinalType];

/** How an execution is. */
export type ExecutionStatus = "running" | "waiting" | "completed" | "failed" | "timeout" | "cancelled";

const finalTypes: readonly FinalType[] = ["flow:completed", "flow:failed", "flow:timeout", "flow:cancelled"];

/** Whether an entry is of the execution that is looked at, not of a child. */
export function isOwn(entry: Entry): boolean {
  return entry.path.length === 1;
}

/** Whether an entry is an item of the runtime stream that is shown there. */
export function isShown(entry: Entry): entry is EntryOf<any, "stream:item"> {
  return entry.type === "stream:item" && entry.unbridged !== true;
}

/** Whether entries of a type end an execution. */
export function isFinalType(type: EntryType): type is FinalType {
  return finalTypes.some((final) => final === type);
}

/** True for the entries of the execution that is looked at with which nothing is under way any more: it has ended, or waits for people. They carry the full state. */
export function isTerminal<S>(entry: Entry<S>): entry is FinalEntry<S> | EntryOf<S, "flow:waiting"> {
  return isFinal(entry) || (entry.type === "flow:waiting" && isOwn(entry));
}

/** True for the last entry of the execution that is looked at; it carries the full state. */
export function isFinal<S>(entry: Entry<S>): entry is FinalEntry<S> {
  return isFinalType(entry.type) && isOwn(entry);
}

/** The status that an entry brings about. */
export function statusOf(entry: Entry): ExecutionStatus | undefined {
  if (isFinal(entry)) return statusAfter(entry.type);
  if (!isOwn(entry)) return undefined;
  return entry.type === "flow:waiting" ? "waiting" : entry.type === "flow:resume" ? "running" : undefined;
}

/** The status of an execution that has ended so. */
export function statusAfter(final: FinalType): ExecutionStatus {
  return final.slice("flow:".length) as ExecutionStatus; // each final type is called after its status
}
