import type { TextReply } from "../define/context.ts";
import type { TokenSource } from "../define/token-source.ts";
import { aborted } from "./abort.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { readTokens } from "./token-reading.ts";

/** Reads plain text. The pieces are kept for as long as the text is, so that each iteration gets all of them. */
export function readText(host: Host, attempt: Attempt, source: TokenSource, late: boolean): TextReply {
  const pieces: string[] = [];
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
        push: (text) => {
          pieces.push(text);
          wakeAll();
        },
        end: () => pieces.join(""),
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
