import type { Context, Hint, IsProblem, KindOf, OnOptions, PayloadIn, Problem, SpecIn, Trigger } from "@sluice/core";
import type { AnyFn, CtxOf, FirstOf, Placed, Site, TakesTooMany, Where } from "./dialect.ts";
import { record } from "./record.ts";

/** `unknown` when the method can take the payload, else the Problem. */
type Accepts<F, P> = F extends AnyFn
  ? TakesTooMany<F> extends true
    ? Problem<"a chunk takes a payload and ctx, and no more">
    : [P] extends [FirstOf<F>]
      ? [Context] extends [CtxOf<F>]
        ? unknown
        : Problem<"the second parameter of a chunk is its ctx", CtxOf<F>>
      : Problem<"the method does not accept the payload of its trigger", { payload: P; parameter: FirstOf<F> }>
  : Problem<"a chunk is a public method of an instance">;
type CheckOn<A, B, K, G, By extends string> =
  Site<A, B> extends infer At
    ? At extends Placed<infer T, infer F>
      ? CheckBy<PayloadIn<K, T, SpecIn<T>>, By> & CheckPayload<F, PayloadIn<K, T, SpecIn<T>>, G>
      : At
    : never;
/** `unknown` when every payload of the join has a text or number at the path `By`, or there is none. */
type CheckBy<P, By extends string> = [By] extends [never]
  ? unknown
  : IsProblem<P> extends true
    ? unknown
    : false extends HasKey<PartsOf<P>, By>
      ? Problem<`not every payload has a text or number at "${By}"`, PartsOf<P>>
      : unknown;
type PartsOf<P> = P extends { readonly fired: string[]; readonly values: readonly (infer V)[] }
  ? V
  : P extends readonly (infer V)[]
    ? V
    : P;
type HasKey<P, By extends string> = P extends unknown
  ? By extends `${infer Key}.${infer Rest}`
    ? Key extends keyof P
      ? HasKey<P[Key], Rest>
      : false
    : By extends keyof P
      ? P[By] extends string | number
        ? true
        : false
      : false
  : never;
type CheckPayload<F, P, G> =
  IsProblem<P> extends true
    ? P
    : [P] extends [G]
      ? Accepts<F, P>
      : Problem<"the guard does not accept the payload of its trigger", { payload: P; guard: G }>;

/** A trigger with its options. As a decorator it fits both dialects: one signature, so that a mistake makes one message. */
export interface On<K, G, By extends string = never> {
  readonly trigger: Trigger<K>;
  readonly options: OnOptions<G, By>;
  <A, B extends Where>(target: A & CheckOn<A, B, K, G, By>, where: B): void;
}

/** Says what makes a chunk ready. Several on one method mean any of them; a method with `@on` alone is a chunk. */
export function on<T extends Trigger, G = Hint<T>, const By extends string = never>(
  trigger: T,
  options: OnOptions<G, By> = {},
): On<KindOf<T>, G, By> {
  const decorate = (...site: unknown[]): void =>
    record(site, "@on", (known) => ({
      ...known,
      // decorators of one method run bottom-up: to the front, so that the order is as written
      triggers: [{ trigger, options: options as OnOptions<never> }, ...known.triggers],
    }));
  return Object.assign(decorate, { trigger, options }) as unknown as On<KindOf<T>, G, By>; // the check lives in the types only
}
