import { type AGUIEvent, EventType } from "@ag-ui/core";
import type { Entry, EntryOf } from "@sluice/core";

/** The chunks that run, as steps of a run: each has a name that no other open step has. */
export class AgUiSteps {
  /** The names of those that have begun in this run, by activation. */
  readonly #open = new Map<string, string>();

  note(entry: Entry): AGUIEvent[] {
    switch (entry.type) {
      case "chunk:start":
        return entry.live > 0 ? [] : this.#begin(entry);
      case "chunk:complete":
        return this.#end(keyOf(entry));
      case "chunk:failed":
        return entry.willRetry ? [] : this.#end(keyOf(entry));
      case "signal:retracted":
        return entry.activations.flatMap((activationId) => this.#end(keyOf({ path: entry.path, activationId })));
      default:
        return [];
    }
  }

  /** A new run begins, in which nothing has begun. */
  beginRun(): void {
    this.#open.clear();
  }

  /** Ends what has begun. */
  endAll(): AGUIEvent[] {
    return [...this.#open.keys()].flatMap((key) => this.#end(key));
  }

  #begin(entry: EntryOf<unknown, "chunk:start">): AGUIEvent[] {
    const key = keyOf(entry);
    if (this.#open.has(key)) return []; // it is tried again
    const chunk = [...entry.path.slice(1), entry.chunk].join("/");
    const isTaken = [...this.#open.values()].includes(chunk);
    const stepName = isTaken ? `${chunk} (${entry.activationId})` : chunk;
    this.#open.set(key, stepName);
    return [{ type: EventType.STEP_STARTED, stepName }];
  }

  #end(key: string): AGUIEvent[] {
    const stepName = this.#open.get(key);
    this.#open.delete(key);
    return stepName === undefined ? [] : [{ type: EventType.STEP_FINISHED, stepName }];
  }
}

function keyOf({ path, activationId }: Pick<EntryOf<unknown, "chunk:start">, "path" | "activationId">): string {
  return `${path.join("/")} ${activationId}`;
}
