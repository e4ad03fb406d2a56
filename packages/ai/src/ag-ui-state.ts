import { plain } from "./plain.ts";
import { type AGUIEvent, EventType } from "@ag-ui/core";
import { type Entry, type JsonPatch, parsePath } from "@sluice/core";
import type { UIMessageChunk } from "ai";
import { type Place, putAt, removeAt } from "./json-place.ts";
import type { FieldData } from "./shown-fields.ts";

/** What clients patch too, or refuse to: their way into an object's prototype. */
const FORBIDDEN: ReadonlySet<unknown> = new Set(["__proto__", "prototype", "constructor"]);

/** How the state is shown. */
export interface AgUiStateOptions {
  /** What is shown of the flow's state. @default all of it */
  readonly state?: (state: unknown) => object;
  /** The key beside the flow's own under which replies are shown, each name a list, in place of such a key of its own; false for none. @default "replies" */
  readonly replies?: string | false;
}

/** What AG-UI calls the agent's state: the flow's, and the replies that models are writing. */
export class AgUiState {
  readonly #options: AgUiStateOptions;
  /** The flow's own. */
  #state: Record<string, unknown> = {};
  /** All that is shown. */
  #shown: Record<string, unknown> = {};
  /** The replies of each name in the order of their beginning, by what tells them apart. */
  #order = new Map<string, string[]>();

  constructor(options: AgUiStateOptions) {
    this.#options = options;
  }

  /** What an entry of the execution that is looked at makes of it. */
  note(entry: Entry): AGUIEvent[] {
    if (entry.path.length > 1) return [];
    switch (entry.type) {
      case "flow:start":
        this.#begin(entry.state);
        return [this.snapshot()];
      case "flow:forked":
        if (entry.state === undefined) return [];
        this.#begin(entry.state, this.#key === undefined ? {} : this.#shown[this.#key]);
        return [this.snapshot()];
      case "state:changed": {
        const { removed, values } = entry.diff;
        const kept = Object.entries(this.#state).filter(([key]) => !removed.includes(key));
        this.#state = { ...Object.fromEntries(kept), ...(values as object) };
        const found = this.#show();
        return delta(
          this.#options.state === undefined ? entry.patches.filter(({ path }) => !this.#isOfReplies(path)) : found,
        );
      }
      default:
        return [];
    }
  }

  /** A field of a reply, as a message shows it. */
  field({ id = "", data }: { readonly id?: string; readonly data: unknown }): AGUIEvent[] {
    const key = this.#key;
    if (key === undefined) return [];
    const { reply, path, ...told } = data as FieldData;
    const place = [key, reply, this.#indexOf(reply, id.slice(0, id.length - path.length)), ...placeOf(path)];
    if (place.some((step) => FORBIDDEN.has(step))) return [];
    if (told.state === "invalid") return delta(removeAt(this.#shown, place));
    return delta(putAt(this.#shown, place, told.value));
  }

  /** What is valid of the replies, where some of them is not. */
  retell(chunks: readonly UIMessageChunk[]): AGUIEvent[] {
    const before = JSON.stringify(this.#shown);
    this.#order = new Map();
    if (this.#key !== undefined) this.#shown = { ...this.#shown, [this.#key]: {} };
    for (const chunk of chunks) if (chunk.type === "data-field") this.field(chunk as { id: string; data: unknown });
    return JSON.stringify(this.#shown) === before ? [] : [this.snapshot()];
  }

  /** All of it. */
  snapshot(): AGUIEvent {
    return { type: EventType.STATE_SNAPSHOT, snapshot: structuredClone(this.#shown) };
  }

  /** Under which key replies are shown, if they are. */
  get #key(): string | undefined {
    const { replies = "replies" } = this.#options;
    return replies === false ? undefined : replies;
  }

  #begin(state: unknown, replies: unknown = {}): void {
    this.#state = structuredClone(state ?? {}) as Record<string, unknown>;
    this.#shown = { ...structuredClone(this.#own()), ...(this.#key !== undefined && { [this.#key]: replies }) };
  }

  #own(): Record<string, unknown> {
    return plain(this.#options.state?.(this.#state) ?? this.#state) as Record<string, unknown>; // a patch has a value
  }

  /** Shows the flow's own as it is. @returns what has changed, key by key */
  #show(): readonly JsonPatch[] {
    const own: Record<string, unknown> = structuredClone(this.#own());
    const gone = Object.keys(this.#shown).filter((key) => !Object.hasOwn(own, key) && key !== this.#key);
    const put = Object.entries(own).filter(([key]) => key !== this.#key);
    return [
      ...gone.flatMap((key) => removeAt(this.#shown, [key])),
      ...put.flatMap(([key, value]) => putAt(this.#shown, [key], value)),
    ];
  }

  /** Whether a key of the flow's own has the name under which replies are shown. */
  #isOfReplies(pointer: string): boolean {
    return this.#key !== undefined && `${pointer}/`.startsWith(`/${this.#key}/`);
  }

  #indexOf(reply: string, id: string): number {
    const order = this.#order.get(reply) ?? [];
    this.#order.set(reply, order);
    const index = order.indexOf(id);
    return index >= 0 ? index : order.push(id) - 1;
  }
}

function delta(patches: readonly JsonPatch[]): AGUIEvent[] {
  return patches.length === 0 ? [] : [{ type: EventType.STATE_DELTA, delta: patches as never }]; // an `add` has its value
}

function placeOf(path: string): Place {
  return parsePath(path).flatMap((segment): (string | number)[] =>
    segment.kind === "key" ? [segment.name] : segment.kind === "index" ? [segment.position] : [],
  );
}
