import type { FieldIssue } from "../schema/field-issue.ts";
import type { Combination, TriggerPlan } from "./trigger-plan.ts";

declare const kind: unique symbol;

/**
 * What makes a chunk ready. `K` tells how the type of its payload is found: at once (`Now`), or from the class it
 * stands in. Let it be inferred: a variable typed plain `Trigger` has lost its payload.
 */
export interface Trigger<K = unknown> {
  readonly [kind]: K;
  /** The trigger as data: what `compile()` reads. */
  readonly plan: TriggerPlan;
}
export type KindOf<T> = T extends Trigger<infer K> ? K : never;
type Kinds<T extends readonly Trigger[]> = { -readonly [I in keyof T]: KindOf<T[I]> };

/** The payload is known where the trigger is written. */
export interface Now<P> {
  now: P;
}
export interface Start {
  start: true;
}
export interface After<M extends string> {
  after: M;
}
export interface Changed<Key extends string> {
  changed: Key;
}
export interface Failed<M extends string> {
  failed: M;
}
export interface FailedAny {
  failedAny: true;
}
export interface Gather<M extends string> {
  gather: M;
}
export interface Each<K> {
  each: K;
}
export interface Any<K extends readonly unknown[]> {
  any: K;
}
export interface All<K extends readonly unknown[]> {
  all: K;
}
export interface Quorum<K extends readonly unknown[]> {
  quorum: K;
}
export interface Piped<K, In, Out> {
  piped: K;
  takes: (payload: In) => void;
  out: Out;
}

/** What `Reply.invalid(path)` carries. */
export interface Invalid extends Opened {
  /** What does not fit; their paths begin at this value. */
  readonly issues: readonly FieldIssue[];
  /** What the model wrote. */
  readonly raw: unknown;
}

/** What `Reply.opened(path)` carries. */
export interface Opened {
  /** Where it is, such as `items[3].name`. */
  readonly path: string;
  /** The array positions on the way, outermost first. */
  readonly indexes: readonly number[];
}

/** The payload type of a trigger that knows it by itself: `Payload<typeof Escalated>`. */
export type Payload<T extends Trigger> = KindOf<T> extends Now<infer P> ? P : never;

/** Makes a trigger of its plan. The kind lives in the types only. */
export function trigger<K>(plan: TriggerPlan): Trigger<K> {
  return { plan } as Trigger<K>; // `kind` is a type-level mark: no value carries it
}

/** True for whatever can stand in `@on(…)`. */
export function isTrigger(value: unknown): value is Trigger {
  return (
    typeof value === "object" && value !== null && typeof (value as { plan?: { on?: unknown } }).plan?.on === "string"
  );
}

/** Fires once, when the execution starts, with the validated input. */
export const start: Trigger<Start> = trigger({ on: "start" });

/** Fires each time that chunk completes, with what it returned. */
export function after<const M extends string>(method: M): Trigger<After<M>> {
  return trigger({ on: "after", chunk: method });
}

/** What `changed(key)` carries. */
export interface Change<T> {
  readonly from: T;
  readonly to: T;
}

/** Fires when that key of the state changes, with its value before and after. */
export function changed<const K extends string>(key: K): Trigger<Changed<K>> {
  return trigger({ on: "changed", key });
}

/** What `failed(…)` carries. */
export interface Failure<Chunk extends string = string, Input = unknown> {
  readonly chunk: Chunk;
  /** What the log says of it; its `cause` is what the chunk threw. */
  readonly error: Error;
  readonly input: Input;
  readonly attempts: number;
}

/** Fires when that chunk has failed for good, all its attempts spent; without a name, when any chunk has. */
export function failed(): Trigger<FailedAny>;
export function failed<const M extends string>(method: M): Trigger<Failed<M>>;
export function failed(method?: string): Trigger<never> {
  return trigger(method === undefined ? { on: "failed" } : { on: "failed", chunk: method });
}

/**
 * Fires once per item of an array payload, with the item. Each item opens a lane of its own under the present one, which
 * all share that listen to this item; `ctx.signal.indexes` ends with its position.
 */
export function each<T extends Trigger>(of: T): Trigger<Each<KindOf<T>>> {
  return trigger({ on: "each", of: [of.plan] });
}

/**
 * Fires once per fan-out, when all its lanes are done: with what that chunk returned last in each of them, in the order
 * of the items. Lanes in which it did not complete are left out; `ctx.signal.indexes` tells which are there. The fan-out
 * is the nearest one above the chunk.
 */
export function gather<const M extends string>(method: M): Trigger<Gather<M>> {
  return trigger({ on: "gather", chunk: method });
}

type Several = readonly [Trigger, Trigger, ...Trigger[]];

/** Fires when one of the triggers fires, with its payload; `ctx.signal.event` tells which. */
export function any<const T extends Several>(...triggers: T): Trigger<Any<Kinds<T>>> {
  return combined("any", triggers);
}

/** Fires for the first of the triggers that fires, once a lane. The others are not cancelled, only not heard. */
export function race<const T extends Several>(...triggers: T): Trigger<Any<Kinds<T>>> {
  return combined("race", triggers);
}

/** Fires when each of the triggers has fired in the same lane, with the tuple of their payloads, oldest first. */
export function all<const T extends Several>(...triggers: T): Trigger<All<Kinds<T>>> {
  return combined("all", triggers);
}

/** Fires whenever one of the triggers fires, once all have fired in the same lane, with the latest payload of each. */
export function latest<const T extends Several>(...triggers: T): Trigger<All<Kinds<T>>> {
  return combined("latest", triggers);
}

/**
 * Fires when `n` of the triggers have fired in the same lane, with their names and payloads in the order of firing. The
 * others of that round are not heard; a trigger that fires again belongs to the next round.
 */
export function quorum<const T extends Several>(n: number, ...triggers: T): Trigger<Quorum<Kinds<T>>> {
  return trigger({ on: "quorum", n, of: triggers.map((one) => one.plan) });
}

function combined<K>(on: Combination, triggers: readonly Trigger[]): Trigger<K> {
  return trigger({ on, of: triggers.map((one) => one.plan) });
}
