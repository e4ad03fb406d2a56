import type { z } from "zod";
import type { Budget } from "./budget.ts";
import type { FlowClass, SpecOf } from "./payload.ts";
import type { Problem } from "./problem.ts";
import type { SchemaAt } from "./spec.ts";

/** What can be run: a class with `@flow`, or a builder. */
export type Runnable = FlowClass | { readonly "~flow": unknown };

/** What a flow is run with. */
// written out, not by its alias: through an alias the compiler prints the alias
export type RunInput<C> = [SpecOf<C>] extends [never]
  ? Problem<"the flow of this class is not known: give one of its methods `ctx: ContextOf<typeof spec>`">
  : z.input<SchemaAt<SpecOf<C>, "input">>;

/** How the object is made that the chunks of one execution run on. */
export interface CreateOption<C> {
  /** Makes it: one for each execution. @default `new Flow()` */
  readonly create?: () => C extends abstract new (...args: never) => infer T ? T : never;
}

/** How a child is run. */
export interface ChildOptions<C> extends CreateOption<C> {
  /** Show its stream items in the stream of the execution, too. @default true */
  readonly bridge?: boolean;
  /** What its models may spend; it is spent from the parent's, too. @default what the parent has */
  readonly budget?: Budget;
}

type NeedsCreate<C> = C extends abstract new (...args: infer A) => unknown ? ([] extends A ? false : true) : false;
/** The options, which are needed when the class's constructor needs arguments. */
export type ArgsOf<C, Options extends CreateOption<C>> =
  NeedsCreate<C> extends true ? [options: Options & Required<Pick<Options, "create">>] : [options?: Options];
