import type { Budget } from "../define/budget.ts";
import type { Combination, FieldMoment, QuestionMoment } from "../define/trigger-plan.ts";

/** One thing that can make a chunk ready. */
export type GraphSource =
  | { readonly on: "start"; readonly label: string }
  /** `lane`: each signal opens a lane of its own. */
  | { readonly on: "event"; readonly label: string; readonly event: string; readonly lane?: boolean }
  | { readonly on: "after" | "gather"; readonly label: string; readonly chunk: string }
  | { readonly on: "changed"; readonly label: string; readonly key: string }
  | { readonly on: "failed"; readonly label: string; readonly chunk?: string }
  | { readonly on: QuestionMoment; readonly label: string; readonly interrupt: string }
  | { readonly on: FieldMoment; readonly label: string; readonly reply: string; readonly path: string };

/** Several things that make a chunk ready together, or one thing that is taken apart. */
export interface GraphOperator {
  readonly on: Combination | "quorum" | "rx";
  readonly label: string;
  readonly of: readonly GraphExpression[];
  /** Of a quorum: how many are needed. */
  readonly n?: number;
}

/** What a trigger is made of. */
export type GraphExpression = GraphSource | GraphOperator;

/** A trigger of a chunk. */
export interface GraphTrigger {
  readonly label: string;
  readonly expression: GraphExpression;
  /** A guard is asked before the chunk starts. */
  readonly guarded: boolean;
  /** It starts its chunk at most once a lane. */
  readonly once?: boolean;
  /** The path at which payloads of a join have the same value, when lanes do not tell. */
  readonly by?: string;
  /** Milliseconds that a join waits for the rest. */
  readonly timeout?: number;
}

/** How a question that a chunk says it asks stands among what it emits. */
export function askedAs(interrupt: string): string {
  return `interrupt ${interrupt}`;
}

/** Whether an expression is made of others. */
export function isOperator(expression: GraphExpression): expression is GraphOperator {
  return "of" in expression;
}

/** Whether an operator waits for several signals. */
export function isJoin(expression: GraphExpression): expression is GraphOperator {
  return expression.on === "all" || expression.on === "latest" || expression.on === "quorum";
}

/** The name of the fan-out that an `each` opens. What a chunk joins for itself, it also takes apart for itself. */
export function fanOf(each: GraphOperator, chunk: string): string {
  return isShared(each) ? each.label : `${each.label} of ${chunk}`;
}

function isShared({ of }: GraphOperator): boolean {
  return of.every((part) => !isOperator(part) || ((part.on === "any" || part.on === "each") && isShared(part)));
}

/** The sources of an expression, in the order in which they are written. */
export function sourcesOf(expression: GraphExpression): readonly GraphSource[] {
  return isOperator(expression) ? expression.of.flatMap(sourcesOf) : [expression];
}

/** How a chunk is tried again; times in milliseconds. */
export interface GraphRetry {
  readonly attempts: number;
  readonly delay: number;
  readonly factor: number;
  readonly maxDelay: number;
  readonly jitter: boolean;
}

export interface GraphChunk {
  /** Its name in entries and triggers. */
  readonly name: string;
  readonly description?: string;
  readonly triggers: readonly GraphTrigger[];
  readonly retry?: GraphRetry;
  /** Milliseconds an attempt. */
  readonly timeout?: number;
  readonly concurrency?: number;
  /** What its models may spend in one execution. */
  readonly budget?: Budget;
  /** It can be undone. */
  readonly compensated?: boolean;
  /** The events that it says it emits, and the questions that it says it asks. */
  readonly emits: readonly string[];
  /** Only triggered by `delta` and `opened`: its entries are live, and it may only put items into the stream. */
  readonly live: boolean;
  /** What it returns can be the flow's result: no trigger names it. */
  readonly leaf: boolean;
  /** The fan-out in whose lanes its returns are gathered; left out when nobody gathers them. */
  readonly fan?: string;
}

/** A warning of `compile()`: the flow runs, but probably not as meant. */
export interface GraphWarning {
  readonly code: string;
  readonly where: string;
  readonly what: string;
  readonly mend: string;
}

/** A compiled flow: plain JSON, the same for the same class. */
export interface Graph {
  readonly flow: string;
  /** In declaration order, which is the order in which listeners of one signal start. */
  readonly chunks: readonly GraphChunk[];
  /** It does not complete when it is quiet, but waits for events from outside; at most `idle` milliseconds. */
  readonly keepOpen?: boolean;
  readonly idle?: number;
  /** Milliseconds an execution. */
  readonly timeout?: number;
  readonly concurrency?: number;
  /** The events that may come from outside. */
  readonly accepts: readonly string[];
  readonly warnings: readonly GraphWarning[];
  /** Of the routing: names, triggers, guards. The same routing has the same hash in every process. */
  readonly hash: string;
}
