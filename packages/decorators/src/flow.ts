import {
  type ChunkDefinition,
  type Context,
  type FlowBuilder,
  type FlowClass,
  type NoSpec,
  type Problem,
  type Spec,
  type SpecIn,
  type SpecsIn,
  flow as builder,
  recordFlow,
} from "@sluice/core";
import { type MethodRecord, recordsOf } from "./record.ts";

/** `unknown` when every ctx in the class is the one of `S`. */
type CheckFlow<T, S> = [SpecIn<T>] extends [never]
  ? NoSpec
  : Alien<SpecsIn<T>, S> extends infer Wrong
    ? [Wrong] extends [never]
      ? unknown
      : Problem<"these methods take the ctx of another flow", Wrong>
    : never;
type Alien<M, S> = {
  [K in keyof M]: [M[K]] extends [never] ? never : [M[K]] extends [S] ? ([S] extends [M[K]] ? never : K) : K;
}[keyof M];

/** Marks a class as a flow, in both dialects. */
export interface FlowMark<S> {
  <C extends FlowClass>(flow: C & CheckFlow<InstanceType<C>, S>, context?: ClassDecoratorContext): void;
}

/** As a decorator, makes a class a flow; called on, it is the core's builder: `flow(spec).chunk("read", start, …)`. */
export function flow<S extends Spec>(spec: S): FlowMark<S> & FlowBuilder<S> {
  const mark = (target: new () => object, context?: ClassDecoratorContext): void => {
    const chunks = recordsOf(target, context?.metadata).map((one) => chunkOf(one, target.prototype as object));
    recordFlow(target, { spec, chunks, create: () => new target() });
  };
  return Object.assign(mark, builder(spec)) as unknown as FlowMark<S> & FlowBuilder<S>; // the check lives in the types only
}

function chunkOf({ method, triggers, chunk = {} }: MethodRecord, prototype: object): ChunkDefinition {
  const { compensate, ...options } = chunk;
  return {
    key: method,
    triggers: triggers.map(({ trigger, options: given }) => ({ plan: trigger?.plan, options: given })),
    options,
    run: call(method),
    ...(compensate !== undefined && {
      compensate: {
        label: JSON.stringify(compensate),
        run: typeof (prototype as Record<string, unknown>)[compensate] === "function" ? call(compensate) : undefined,
      },
    }),
  };
}

function call(method: string) {
  return (instance: object | undefined, payload: unknown, ctx: Context): unknown =>
    (instance as Record<string, Method>)[method]?.(payload, ctx);
}

/** `record` has made sure that it is a method. */
type Method = (payload: unknown, ctx: Context) => unknown;
