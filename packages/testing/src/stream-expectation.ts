import type { Observable } from "rxjs";
import { type MarbleValues, type Message, compareMarbles, parseMarbles, sameMessages } from "./marbles.ts";

/** What an Observable is to do. */
export interface ToBe {
  /**
   * In marbles: `a` a value, `|` the end, `#` an error, `(ab)` at one instant, `9ms` or `-` time. A character takes a
   * millisecond, time counts from the beginning of the test.
   *
   * @param values what the letters stand for. @default the letters themselves
   * @param error what `#` stands for. @default "error"
   */
  readonly toBe: (marbles: string, values?: MarbleValues, error?: unknown) => void;
}

/** An Observable that is watched, and what it is to do. */
export interface StreamExpectation extends ToBe {
  /** Stops watching. @returns an error that shows both when it did something else */
  readonly check: () => Error | undefined;
}

/** Watches an Observable from now on. */
export function watch(observable: Observable<unknown>, now: () => number): StreamExpectation {
  const got: Message[] = [];
  let wanted: { marbles: string; values: MarbleValues | undefined; messages: readonly Message[] } | undefined;
  const subscription = observable.subscribe({
    next: (value) => got.push({ frame: now(), notification: { kind: "N", value } }),
    error: (error: unknown) => got.push({ frame: now(), notification: { kind: "E", error } }),
    complete: () => got.push({ frame: now(), notification: { kind: "C" } }),
  });
  return {
    toBe: (marbles, values, error) => {
      wanted = { marbles, values, messages: parseMarbles(marbles, values, error) };
    },
    check: () => {
      subscription.unsubscribe();
      if (wanted === undefined) return new Error("expectStream was told nothing to expect. Call toBe(marbles) on it");
      if (sameMessages(got, wanted.messages)) return undefined;
      return new Error(`The stream is not as its marbles say.\n\n${compareMarbles(got, wanted.messages, wanted)}\n`);
    },
  };
}
