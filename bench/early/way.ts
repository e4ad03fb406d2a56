import type { ModelCall } from "../../packages/core/src/index.ts";
import type { TestTime } from "../../packages/testing/src/index.ts";

/** What is looked up for a step takes so long, as over a network. */
export const lookUpMs = 300;

/** What a way works with. */
export interface Scene {
  /** The recorded model; it gives its tokens at their times. */
  readonly model: ModelCall;
  /** Looks one step up, in `lookUpMs`. */
  readonly lookUp: (step: string) => Promise<string>;
  /** Look-ups at the same time, at most; may be infinite. */
  readonly atOnce: number;
  readonly time: TestTime;
}

/** A way to look up each step of a review that a model writes, unless it rejects. */
export interface Way {
  readonly name: string;
  /** What was found, in the order of the steps; nothing when the verdict was "reject". */
  readonly run: (scene: Scene) => Promise<readonly string[] | undefined>;
}
