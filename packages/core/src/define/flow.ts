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

/** A chunk as it was written down. */
export interface ChunkDefinition {
  /** The method's name, or the name given to the builder: what `after` refers to. */
  readonly key: string;
  readonly triggers: readonly TriggerDefinition[];
  readonly options: ChunkOptions;
  /** The work. `instance` is what the flow's factory made; builder flows have none. */
  readonly run: (instance: object | undefined, payload: unknown, ctx: Context) => unknown;
}

/** A flow as it was written down, by decorators or by the builder: what `compile()` reads. */
export interface FlowDefinition {
  readonly spec: Spec;
  readonly chunks: readonly ChunkDefinition[];
  /** Makes the object that the chunks of one execution run on. */
  readonly create: (() => object) | undefined;
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
    options?: ChunkOptions & OnOptions<PayloadIn<K, M, S>>,
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
    options: ChunkOptions & OnOptions = {},
  ): Builder {
    const { when, ...chunkOptions } = options;
    const chunk: ChunkDefinition = {
      key,
      triggers: [{ plan: trigger?.plan, options: when === undefined ? {} : { when } }],
      options: chunkOptions,
      run: (_instance, payload, ctx) => run(payload, ctx),
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
