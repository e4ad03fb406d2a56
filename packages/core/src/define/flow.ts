import { excerpt } from "../error/excerpt.ts";
import { SluiceError } from "../error/sluice-error.ts";
import type { ChunkOptions, OnOptions } from "./chunk-options.ts";
import type { Context } from "./context.ts";
import type { PayloadIn, ProblemOr } from "./payload.ts";
import type { Problem } from "./problem.ts";
import type { Spec } from "./spec.ts";
import type { Trigger } from "./trigger.ts";
import type { TriggerPlan } from "./trigger-plan.ts";

/** One trigger of a chunk, with its options. */
export interface TriggerDefinition {
  readonly plan: TriggerPlan;
  readonly options: OnOptions<never>;
}

/** What a compensation receives: what the chunk that it undoes got and gave. */
export interface Undo<Input = unknown, Output = unknown> {
  readonly input: Input;
  readonly output: Output;
}

/** How a completed chunk is undone. */
export interface Compensation {
  /** How it is written, for messages. */
  readonly label: string;
  /** Undefined when there is no such method. */
  readonly run: ((instance: object | undefined, undo: Undo, ctx: Context) => unknown) | undefined;
}

/** A chunk as it was written down. */
export interface ChunkDefinition {
  /** The method's name, or the name given to the builder: what `after` refers to. */
  readonly key: string;
  readonly triggers: readonly TriggerDefinition[];
  readonly options: ChunkOptions;
  /** The work. `instance` is what the flow's factory made; builder flows have none. */
  readonly run: (instance: object | undefined, payload: unknown, ctx: Context) => unknown;
  readonly compensate?: Compensation;
}

/** A flow as it was written down, by decorators or by the builder: what `compile()` reads. */
export interface FlowDefinition {
  readonly spec: Spec;
  readonly chunks: readonly ChunkDefinition[];
  /** Makes the object that the chunks of one execution run on. */
  readonly create: (() => object) | undefined;
}

/** Options of a chunk and of its trigger, in one. `timeout` is the chunk's; the one of a join is `joinTimeout`. */
export interface BuilderOptions<G = unknown, R = unknown> extends ChunkOptions, Omit<OnOptions<G>, "timeout"> {
  /** As `timeout` of `@on`. */
  readonly joinTimeout?: number;
  /** Undoes the completed chunk when the execution does not complete. */
  readonly compensate?: (undo: Undo<G, Awaited<R>>, ctx: Context) => unknown;
}

declare const methods: unique symbol;
/** A flow in the core's own words. `M` holds the chunks so far. Each call gives a new builder; none is changed. */
export interface FlowBuilder<S, M = {}> {
  readonly "~flow": S;
  readonly [methods]?: M;
  /** Adds a chunk. It sees the chunks before it; loops go by event. */
  chunk<const N extends string, K, R>(
    name: N extends keyof M ? Problem<`there is a chunk "${N}" already`> : N,
    trigger: Trigger<K> & ProblemOr<PayloadIn<K, M, S>, unknown>,
    run: (payload: ProblemOr<PayloadIn<K, M, S>, never, PayloadIn<K, M, S>>, ctx: Context<S>) => R,
    options?: BuilderOptions<PayloadIn<K, M, S>, NoInfer<R>>,
  ): FlowBuilder<S, M & { [key in N]: (payload: PayloadIn<K, M, S>) => R }>;
}

const definitions = new WeakMap<object, FlowDefinition>();

/** The chunks of a builder, the last one first: so that each builder shares those before it, and adding one costs O(1). */
interface Written {
  readonly chunk: ChunkDefinition;
  readonly before: Written | undefined;
}

/** Starts a flow without decorators: `flow(spec).chunk("read", start, (input, ctx) => …)`. */
export function flow<S extends Spec>(spec: S): FlowBuilder<S> {
  return new Builder(spec, undefined) as unknown as FlowBuilder<S>; // the types of the chunks live in FlowBuilder only
}

class Builder {
  readonly #spec: Spec;
  readonly #written: Written | undefined;

  constructor(spec: Spec, written: Written | undefined) {
    this.#spec = spec;
    this.#written = written;
    // bound: the decorators hand it on as a property of @flow's function
    this.chunk = this.chunk.bind(this);
  }

  chunk(
    key: string,
    trigger: Trigger,
    run: (payload: unknown, ctx: Context) => unknown,
    options: BuilderOptions = {},
  ): Builder {
    const { when, once, by, joinTimeout: timeout, compensate, ...chunkOptions } = options;
    const given = Object.entries({ when, once, by, timeout }).filter(([, value]) => value !== undefined);
    const chunk: ChunkDefinition = {
      key,
      triggers: [{ plan: trigger?.plan, options: Object.fromEntries(given) }],
      options: chunkOptions,
      run: (_instance, payload, ctx) => run(payload, ctx),
      ...(compensate !== undefined && {
        compensate: {
          label: excerpt(compensate),
          run: typeof compensate === "function" ? (_instance, undo, ctx) => compensate(undo, ctx) : undefined,
        },
      }),
    };
    return new Builder(this.#spec, { chunk, before: this.#written });
  }

  /** What has been written down so far. */
  definition(): FlowDefinition {
    const chunks: ChunkDefinition[] = [];
    for (let one = this.#written; one !== undefined; one = one.before) chunks.push(one.chunk);
    return { spec: this.#spec, chunks: chunks.reverse(), create: undefined };
  }
}

/** Notes the definition of a class or builder. For those who write down flows in other ways. */
export function recordFlow(flow: object, definition: FlowDefinition): void {
  definitions.set(flow, definition);
}

/**
 * The definition of a class or builder.
 *
 * @throws SluiceError `flow-undefined`
 */
export function definitionOf(flow: unknown): FlowDefinition {
  if (typeof flow === "function" || (typeof flow === "object" && flow !== null)) {
    if (flow instanceof Builder && !definitions.has(flow)) definitions.set(flow, flow.definition());
    const known = definitions.get(flow);
    if (known !== undefined) return known;
  }
  const name = typeof flow === "function" ? `The class ${flow.name || "without a name"}` : `This ${typeof flow}`;
  throw new SluiceError("flow-undefined", {
    what: `${name} is not a flow`,
    mend: "Put @flow(spec) on the class, or make the flow with flow(spec).chunk(…)",
  });
}
