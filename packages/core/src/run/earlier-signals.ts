import type { Emitted } from "../machine/done.ts";
import { canonicalJson } from "../machine/same-json.ts";

/**
 * What earlier attempts of an activation have emitted, as far as the present one has not emitted it again. Each signal is
 * matched once. Costs O(size of an event's payloads) with the first of that event, then O(size of the payload).
 */
export class EarlierSignals {
  readonly #emitted: (event: string) => readonly Emitted[];
  /** By event and payload: the ids, the oldest last. */
  readonly #left = new Map<string, Map<string, string[]>>();

  /** @param emitted the signals of an event; asked once for each, before the attempt has emitted one of its own */
  constructor(emitted: (event: string) => readonly Emitted[]) {
    this.#emitted = emitted;
  }

  /** The oldest that is equal and has not been matched, which is matched from now on. @returns its id */
  match(event: string, payload: unknown): string | undefined {
    let left = this.#left.get(event);
    if (left === undefined) {
      left = byPayload(this.#emitted(event));
      this.#left.set(event, left);
    }
    if (left.size === 0) return undefined;
    const text = canonicalJson(payload);
    return text === undefined ? undefined : left.get(text)?.pop();
  }
}

function byPayload(emitted: readonly Emitted[]): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { id, payload } of emitted.toReversed()) {
    const text = canonicalJson(payload);
    if (text === undefined) continue;
    const same = ids.get(text);
    if (same === undefined) ids.set(text, [id]);
    else same.push(id);
  }
  return ids;
}
