import { type Entry, type ExecutionStatus, type OpenQuestion, isFinal, isTerminal } from "@sluice/core";
import { Expenses } from "./expenses.ts";

/** What is known of one chunk, all its activations taken together. */
export interface ChunkRow {
  readonly name: string;
  /** Activations whose attempt runs, with the number of the attempt. */
  readonly running: Map<string, number>;
  /** Activations that wait for their next attempt. */
  readonly retrying: Set<string>;
  done: number;
  failed: number;
  /** Ended from outside: by a cancel, or by a failure elsewhere. */
  ended: number;
  undone: number;
  skipped: number;
  asks: number;
  /** How long those took that are done, together. */
  durationMs: number;
  /** The latest that it has shown without its being stored: an item of a live chunk, progress, text. */
  latest: string | undefined;
}

/** One value of a reply that is being written. */
export interface FieldRow {
  text: string;
  is: "open" | "complete" | "invalid";
  /** Chunks that have started on it. */
  readonly started: string[];
}

/** A structured reply, as far as it is there. */
export interface ReplyRow {
  readonly name: string;
  readonly chunk: string;
  readonly activationId: string;
  /** By path; containers are left out. */
  readonly fields: Map<string, FieldRow>;
}

/** What is to be seen of an execution at a moment: a fold over its entries. */
export class Board {
  status: ExecutionStatus = "running";
  startedAt: number | undefined;
  lastAt = 0;
  state: unknown;
  readonly chunks = new Map<string, ChunkRow>();
  readonly replies = new Map<string, ReplyRow>();
  readonly questions = new Map<string, OpenQuestion>();
  readonly expenses = new Expenses();
  /** Activations whose model writes a structured reply. */
  readonly #readings = new Set<string>();

  /** @param chunks the names of those that are shown before they have begun */
  constructor(chunks: readonly string[] = []) {
    for (const name of chunks) this.#row(name);
  }

  take(entry: Entry): void {
    this.startedAt ??= entry.at;
    this.lastAt = entry.at;
    this.expenses.take(entry);
    if (entry.type.startsWith("field:") || entry.type.startsWith("reply:")) this.#takeReply(entry);
    else if ("chunk" in entry && entry.chunk !== undefined) this.#takeChunk(entry);
    if (isTerminal(entry)) this.state = entry.state;
    if (isFinal(entry)) {
      this.status = entry.type.slice("flow:".length) as ExecutionStatus; // each final type is called after its status
      for (const { running, retrying } of this.chunks.values()) {
        running.clear();
        retrying.clear();
      }
      this.questions.clear();
    } else if (entry.type === "flow:waiting" && entry.path.length === 1) {
      this.status = "waiting";
      for (const one of entry.interrupts) this.questions.set(one.id, one);
    } else if (entry.type === "flow:resume" && entry.path.length === 1) this.status = "running";
    else if (entry.type === "signal:retracted") for (const id of entry.activations) this.#void(id);
  }

  #takeChunk(entry: Entry & { readonly chunk?: string }): void {
    // children of a kind are one: there may be hundreds
    const children = entry.path.slice(1).map((child) => child.replace(/#\d+$/, ""));
    const row = this.#row([...children, entry.chunk ?? ""].join(" › "));
    switch (entry.type) {
      case "chunk:start":
        row.running.set(keyOf(entry), entry.attempt);
        row.retrying.delete(keyOf(entry));
        if (entry.live === 0) this.#startedOn(entry.trigger, entry.lane, entry.chunk);
        break;
      case "chunk:complete":
        row.running.delete(keyOf(entry));
        row.done += 1;
        row.durationMs += entry.durationMs;
        if (entry.live === 0) row.latest = undefined;
        break;
      case "chunk:failed":
        row.running.delete(keyOf(entry));
        if (entry.willRetry) row.retrying.add(keyOf(entry));
        else if (entry.error.code === "chunk-aborted") row.ended += 1;
        else row.failed += 1;
        break;
      case "chunk:skipped":
        row.running.delete(keyOf(entry));
        row.skipped += 1;
        break;
      case "chunk:reset":
        this.#void(entry.activationId);
        break;
      case "chunk:compensated":
        if (entry.error === undefined) row.undone += 1;
        break;
      case "stream:item":
        if (entry.live > 0) row.latest = told(entry.item);
        break;
      case "model:start":
        if (entry.replyId !== undefined) this.#readings.add(keyOf(entry)); // its fields are shown, not its text
        break;
      case "model:token":
        if (!this.#readings.has(keyOf(entry))) row.latest = `${row.latest ?? ""}${entry.delta}`.slice(-400);
        break;
      case "tool:call_start":
        row.latest = `${entry.tool}(${JSON.stringify(entry.args)})`;
        break;
      case "tool:progress":
        row.latest = `${entry.tool}: ${told(entry.data)}`;
        break;
      case "interrupt:raised":
        row.asks += 1;
        this.questions.set(entry.interrupt.id, { ...entry.interrupt, path: entry.path, chunk: entry.chunk });
        break;
      case "interrupt:answered":
      case "interrupt:expired":
        row.asks -= 1;
        this.questions.delete(entry.interrupt.id);
        break;
    }
  }

  #takeReply(entry: Entry): void {
    if (!("replyId" in entry) || entry.replyId === undefined || !("reply" in entry)) return;
    const { reply: name, replyId, chunk, activationId } = entry;
    let reply = this.replies.get(replyId);
    if (reply === undefined) {
      reply = { name, chunk, activationId, fields: new Map() };
      this.replies.set(replyId, reply);
    }
    if (entry.type === "reply:complete") this.#complete(reply, entry.value);
    if (!("field" in entry)) return;
    const known = reply.fields.get(entry.field);
    if (entry.type === "field:complete" && isContainer(entry.value) && entry.field !== "") return;
    if (entry.type === "field:opened" && (entry.kind === "object" || entry.kind === "array")) return;
    if (entry.type === "field:complete" && entry.field === "" && isContainer(entry.value)) return;
    const field = known ?? { text: "", is: "open", started: [] };
    reply.fields.set(entry.field, field);
    if (entry.type === "field:delta") field.text += entry.delta;
    if (entry.type === "field:complete") Object.assign(field, { text: told(entry.value), is: "complete" });
    if (entry.type === "field:invalid") Object.assign(field, { text: told(entry.raw), is: "invalid" });
  }

  /** All of it is known now: also what nothing has listened to, of which a stored log tells only here. */
  #complete({ fields }: ReplyRow, value: unknown): void {
    const before = new Map(fields);
    fields.clear();
    for (const [path, leaf] of leavesOf(value)) {
      fields.set(path, { started: before.get(path)?.started ?? [], text: told(leaf), is: "complete" });
    }
  }

  /** Notes which field a chunk has started on; the item of a fan-out stands in its lane. */
  #startedOn(trigger: string, lane: string, chunk: string): void {
    const [, name, pattern] = /^(.*)\.field\("(.*)"\)$/.exec(trigger) ?? [];
    if (name === undefined || pattern === undefined) return;
    const index = /\[\d+\](?!.*\[\d+\])/.exec(lane)?.[0] ?? "[*]";
    const path = pattern.replace("[*]", index);
    for (const reply of this.replies.values()) if (reply.name === name) reply.fields.get(path)?.started.push(chunk);
  }

  /** What an attempt has shown is void. */
  #void(activationId: string): void {
    for (const [id, reply] of this.replies) if (reply.activationId === activationId) this.replies.delete(id);
  }

  #row(name: string): ChunkRow {
    const known = this.chunks.get(name);
    if (known !== undefined) return known;
    const counts = { done: 0, failed: 0, ended: 0, undone: 0, skipped: 0, asks: 0, durationMs: 0 };
    const row: ChunkRow = { name, running: new Map(), retrying: new Set(), ...counts, latest: undefined };
    this.chunks.set(name, row);
    return row;
  }
}

/** Children have activations of the same names. */
function keyOf({ path, activationId }: { readonly path: readonly string[]; readonly activationId: string }): string {
  return [...path, activationId].join("/");
}

function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** The values that are no containers, by their paths, in the order of the document. */
function leavesOf(value: unknown, path = ""): readonly (readonly [path: string, leaf: unknown])[] {
  if (!isContainer(value)) return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, `${path}[${index}]`));
  return Object.entries(value as object).flatMap(([key, part]) => leavesOf(part, path === "" ? key : `${path}.${key}`));
}

function told(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
