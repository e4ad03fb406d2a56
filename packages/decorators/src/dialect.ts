import type { FirstOf, Problem } from "@sluice/core";

export type AnyFn = (...args: never) => unknown;

/** What TypeScript hands a method decorator second: the method's name (legacy), or the context (standard). */
export type Where = string | symbol | ClassMethodDecoratorContext<any, any>;
/** The decorated method, its class and its name, in either dialect. */
// the message is a default, not an alias: through an alias the compiler prints the alias
export type Site<A, B, Misplaced = Problem<"a chunk is a public method of an instance">> = B extends {
  readonly kind: string;
  readonly name: infer N;
  readonly static: infer St;
  readonly private: infer Pr;
}
  ? B extends { readonly kind: "method"; readonly access: { has(object: infer T): boolean } }
    ? true extends St | Pr
      ? Misplaced
      : N extends keyof T
        ? Placed<T, A>
        : Misplaced
    : Misplaced
  : A extends abstract new (...args: never) => unknown
    ? Misplaced
    : B extends keyof A
      ? Placed<A, A[B]>
      : Misplaced;
export interface Placed<T, F> {
  class: T;
  method: F;
}
export type CtxOf<F> = F extends (input: never, ctx: infer C, ...rest: never) => unknown ? C : never;
export type TakesTooMany<F> = F extends (...args: infer A) => unknown
  ? number extends A["length"]
    ? false
    : A extends readonly [any?, any?]
      ? false
      : true
  : true;
export type { FirstOf };
