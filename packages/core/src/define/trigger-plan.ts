import type { Schema } from "./schema-path.ts";

/** What every definition is known by. */
export interface Named {
  readonly name: string;
  readonly schema: Schema;
}

export interface NamedReply extends Named {
  readonly options: { readonly multi?: boolean };
}

export interface NamedQuestion extends Named {
  /** Milliseconds that an answer is waited for. */
  readonly expires?: number;
}

/** How a question ends that a chunk can go on from. */
export type QuestionMoment = "answered" | "expired";

/** What a part of a reply can be listened to for. */
export type FieldMoment = "field" | "invalid" | "delta" | "opened" | "done";

/** A trigger as data, with the definitions it names. `compile()` turns it into plain JSON. */
export type TriggerPlan =
  | { readonly on: "start" }
  | { readonly on: "event"; readonly event: Named; readonly lane?: boolean }
  | { readonly on: "after" | "gather"; readonly chunk: string }
  | { readonly on: "changed"; readonly key: string }
  | { readonly on: "failed"; readonly chunk?: string }
  /** `interrupt.schema` is the answer's. */
  | { readonly on: QuestionMoment; readonly interrupt: NamedQuestion }
  | { readonly on: FieldMoment; readonly reply: NamedReply; readonly path: string }
  | { readonly on: Combination; readonly of: readonly TriggerPlan[] }
  | { readonly on: "quorum"; readonly n: number; readonly of: readonly TriggerPlan[] }
  /** `pipe` is the user's RxJS pipeline; only the shell looks at it. */
  | { readonly on: "rx"; readonly of: readonly TriggerPlan[]; readonly pipe: unknown };

/** How triggers are made into one. */
export type Combination = "any" | "race" | "all" | "latest" | "each";

/** How a trigger is written: for entries, graphs and messages. */
export function labelOf(plan: TriggerPlan): string {
  switch (plan.on) {
    case "start":
      return "start";
    case "event":
      return plan.event.name;
    case "after":
    case "gather":
      return `${plan.on}("${plan.chunk}")`;
    case "changed":
      return `changed("${plan.key}")`;
    case "failed":
      return plan.chunk === undefined ? "failed()" : `failed("${plan.chunk}")`;
    case "answered":
    case "expired":
      return `${plan.interrupt.name}.${plan.on}`;
    case "done":
      return `${plan.reply.name}.done`;
    case "field":
    case "invalid":
    case "delta":
    case "opened":
      return `${plan.reply.name}.${plan.on}("${plan.path}")`;
    case "any":
    case "race":
    case "all":
    case "latest":
    case "each":
    case "rx":
      return `${plan.on}(${plan.of.map(labelOf).join(", ")})`;
    case "quorum":
      return `quorum(${plan.n}, ${plan.of.map(labelOf).join(", ")})`;
    default:
      return plan satisfies never;
  }
}
