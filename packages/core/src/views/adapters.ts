import { type Observable, Subscription } from "rxjs";
import { SluiceError } from "../error/sluice-error.ts";

/**
 * A web stream of items that are pulled: `toReadableStream(execution.stream())`. Nothing is read before the stream is, and
 * nothing is buffered; cancelling the stream leaves the iteration.
 */
export function toReadableStream<T>(items: AsyncIterable<T>): ReadableStream<T> {
  const iterator = items[Symbol.asyncIterator]();
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** How what is pushed is kept for a reader that pulls. */
export interface BufferOptions {
  /** Values that wait to be read; with one more the iteration fails with `stream-gap`. @default 10_000 */
  readonly maxItems?: number;
}

/**
 * The values of an observable, pulled: `for await (const state of toAsyncIterable(execution.state$))`. It subscribes with
 * the first `next`, and unsubscribes when it is left. For the stream and the log, `execution.stream()` and
 * `execution.events()` need no buffer.
 *
 * @throws SluiceError `stream-gap`, or what the observable fails with; after all that came before
 */
export function toAsyncIterable<T>(
  values$: Observable<T>,
  { maxItems = 10_000 }: BufferOptions = {},
): AsyncGenerator<T, void, undefined> {
  let waiting: T[] = [];
  let end: { readonly error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  const finish = (how: { readonly error?: unknown }): void => {
    end ??= how;
    wake?.();
  };
  async function* iterate(): AsyncGenerator<T, void, undefined> {
    const subscription = new Subscription();
    const reading = values$.subscribe({
      next: (value) => {
        if (end !== undefined) return;
        if (waiting.length >= maxItems) {
          subscription.unsubscribe(); // the source is let go at once, though what waits is read later
          return finish({ error: overflow(maxItems) });
        }
        waiting.push(value);
        wake?.();
      },
      error: (error: unknown) => finish({ error }),
      complete: () => finish({}),
    });
    subscription.add(reading);
    try {
      for (;;) {
        const values = waiting;
        waiting = [];
        for (const value of values) yield value;
        if (waiting.length > 0) continue;
        if (end !== undefined) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      if ("error" in end) throw end.error;
    } finally {
      subscription.unsubscribe();
    }
  }
  const items = iterate();
  const leave = items.return.bind(items);
  // a generator that waits would hear of it with the next value only
  items.return = (value) => {
    finish({});
    return leave(value);
  };
  return items;
}

function overflow(maxItems: number): SluiceError {
  return new SluiceError("stream-gap", {
    what: `More than ${maxItems} values wait to be read`,
    mend: "Read faster, raise `maxItems`, or pull from execution.stream() or execution.events()",
  });
}
