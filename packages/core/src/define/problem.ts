declare const problem: unique symbol;

/** Shown by the compiler in place of a type: `Problem<"what is wrong", the types involved>`. No value fits it. */
export interface Problem<Message extends string, Detail = unknown> {
  readonly [problem]: [Message, Detail];
}

export type IsAny<T> = 0 extends 1 & T ? true : false;
export type IsProblem<T> =
  IsAny<T> extends true ? false : [T] extends [never] ? false : [T] extends [Problem<string>] ? true : false;
export type ProblemIn<T> = IsAny<T> extends true ? never : Extract<T, Problem<string>>;
