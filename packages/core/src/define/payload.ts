import type { IsAny, IsProblem, Problem, ProblemIn } from "./problem.ts";
import type { InputOf, Spec, StateOf } from "./spec.ts";
import type {
  After,
  All,
  Any,
  Change,
  Changed,
  Each,
  Failed,
  FailedAny,
  Failure,
  Gather,
  KindOf,
  Now,
  Piped,
  Quorum,
  Start,
  Trigger,
} from "./trigger.ts";

type AnyFn = (...args: never) => unknown;
export type Returned<F> = F extends (...args: never) => infer R ? Awaited<R> : never;
export type FirstOf<F> = F extends (...args: infer A) => unknown ? (A extends readonly [] ? unknown : A[0]) : never;
// over `keyof T & string`: else the compiler prints `keyof Support` where it means all names
export type MethodsOf<T> = keyof { [K in keyof T & string as T[K] extends AnyFn ? K : never]: 0 };

/** Every class that can be a flow: instances are looked at, constructors are free. */
export type FlowClass = abstract new (...args: never) => object;
type SpecInCtx<C> = 0 extends 1 & C
  ? never
  : unknown extends C
    ? never
    : NonNullable<C> extends { readonly "~spec": (spec: infer S) => unknown }
      ? 0 extends 1 & S
        ? never
        : S
      : never;
/** The spec of each method's ctx, by method. */
export type SpecsIn<T> = {
  // `=> any`, not `=> unknown`: a flow that runs itself would otherwise be a circle (TS7023)
  [K in keyof T]: T[K] extends (input: never, ctx: infer C, ...rest: never) => any ? SpecInCtx<C> : never;
};
/** The spec that a class's methods name in their `ctx`. */
export type SpecIn<T> = SpecsIn<T>[keyof T];
/** The spec of a flow: of a class, by the ctx of its methods; of a builder, by itself. */
export type SpecOf<C> = C extends { readonly "~flow": infer S }
  ? S
  : C extends abstract new (...args: never) => infer T
    ? SpecIn<T>
    : never;

export type NoSpec =
  Problem<"the flow of this class is not known: give one of its methods `ctx: ContextOf<typeof spec>`">;

/** What a trigger on method `M` of class `T` carries. */
type MethodOf<T, M extends string, What extends "result" | "results" | "failure"> = M extends MethodsOf<T> & keyof T
  ? { result: Returned<T[M]>; results: Returned<T[M]>[]; failure: Failure<M, FirstOf<T[M]>> }[What]
  : Problem<`there is no chunk "${M}"`, MethodsOf<T>>;

/** The payload of a trigger of kind `K` in a class `T` of a flow with spec `S`; or a Problem. */
export type PayloadIn<K, T, S> =
  K extends Now<infer P>
    ? P
    : K extends Start
      ? [S] extends [never]
        ? NoSpec
        : S extends Spec
          ? InputOf<S>
          : never
      : K extends After<infer M>
        ? MethodOf<T, M, "result">
        : K extends Failed<infer M>
          ? MethodOf<T, M, "failure">
          : K extends FailedAny
            ? Failure
            : K extends Changed<infer Key>
              ? ChangeOf<Key, S>
              : K extends Gather<infer M>
                ? MethodOf<T, M, "results">
                : CombinedIn<K, T, S>;
/** The same for triggers that are made of others. */
type CombinedIn<K, T, S> =
  K extends Each<infer L>
    ? ItemIn<PayloadIn<L, T, S>>
    : K extends Any<infer Ks>
      ? Union<PayloadsIn<Ks, T, S>>
      : K extends All<infer Ks>
        ? Tuple<PayloadsIn<Ks, T, S>>
        : K extends Quorum<infer Ks>
          ? QuorumOf<PayloadsIn<Ks, T, S>>
          : K extends Piped<infer L, infer In, infer Out>
            ? Fits<PayloadIn<L, T, S>, In, Out>
            : Problem<"this is not a trigger", K>;
type PayloadsIn<Ks, T, S> = { [I in keyof Ks]: PayloadIn<Ks[I], T, S> };
type ChangeOf<Key extends string, S> = [S] extends [never]
  ? NoSpec
  : Key extends keyof StateOf<S>
    ? Change<StateOf<S>[Key]>
    : Problem<`the state has no key "${Key}"`, keyof StateOf<S>>;
type ItemIn<P> =
  IsAny<P> extends true
    ? any
    : IsProblem<P> extends true
      ? P
      : P extends readonly (infer E)[]
        ? E
        : Problem<"each() needs a payload that is an array", P>;
type ProblemsOf<P> = P extends readonly unknown[] ? { [I in keyof P]: ProblemIn<P[I]> }[number] : never;
type Union<P> = [ProblemsOf<P>] extends [never] ? (P extends readonly unknown[] ? P[number] : never) : ProblemsOf<P>;
type Tuple<P> = [ProblemsOf<P>] extends [never] ? P : ProblemsOf<P>;
type QuorumOf<P> = [ProblemsOf<P>] extends [never]
  ? P extends readonly unknown[]
    ? { readonly fired: string[]; readonly values: P[number][] }
    : never
  : ProblemsOf<P>;
type Fits<P, In, Out> =
  IsProblem<P> extends true
    ? P
    : [P] extends [In]
      ? Out
      : Problem<"the pipeline does not accept the payload", { payload: P; pipeline: In }>;

/** The payload where it is known without the class, else `unknown`: what a guard's parameter is if it has no type of its own. */
export type Hint<T extends Trigger> =
  IsProblem<PayloadIn<KindOf<T>, object, never>> extends true ? unknown : PayloadIn<KindOf<T>, object, never>;

export type ProblemOr<P, IfProblem, Else = IfProblem> =
  IsProblem<P> extends true ? (unknown extends IfProblem ? P : IfProblem) : Else;
