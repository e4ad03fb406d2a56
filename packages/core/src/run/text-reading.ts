import type { TextReply } from "../define/context.ts";
import type { TokenSource } from "../define/token-source.ts";
import { aborted } from "./abort.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { readTokens } from "./token-reading.ts";

/** How a text is read. */
export interface TextReadingOptions {
  /** Whether the attempt has ended. */
  readonly late: boolean;
  /** Whether nobody is shown the text while it comes. */
  readonly quiet: boolean;
}

/**
 * Reads plain text. The pieces are kept for as long as the text is, so that each iteration gets all of them. Where tools
 * ran, the whole is what the model wrote after them.
 */
export function readText(
  host: Host,
  attempt: Attempt,
  source: TokenSource,
  { late, quiet }: TextReadingOptions,
): TextReply {
  const pieces: string[] = [];
  let last = 0;
  let wake: (() => void)[] = [];
  const wakeAll = (): void => {
    const waiting = wake;
    wake = [];
    for (const one of waiting) one();
  };
  const whole = late
    ? Promise.reject<string>(aborted(attempt.where, "its ctx was used after its end"))
    : readTokens(host, attempt, source, {
        request: {},
        quiet,
        push: (text) => {
          pieces.push(text);
          wakeAll();
        },
        restart: () => void (last = pieces.length),
        end: () => pieces.slice(last).join(""),
      });
  let over = false;
  const ended = whole.then(
    () => undefined,
    () => undefined, // who iterates or awaits gets the error; nobody else is to hear of it
  );
  void ended.then(() => {
    over = true;
    wakeAll();
  });
  async function* iterate(): AsyncGenerator<string> {
    for (let next = 0; ; next += 1) {
      while (next >= pieces.length && !over) await new Promise<void>((resolve) => wake.push(resolve));
      const piece = pieces[next];
      if (piece === undefined) break;
      yield piece;
    }
    await whole;
  }
  return Object.assign(whole, { [Symbol.asyncIterator]: iterate });
}
