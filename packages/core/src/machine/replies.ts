import type { Invalid } from "../define/trigger.ts";
import { lanePaths } from "../graph/lane-paths.ts";
import type { Closer, FieldLanes, FieldListener, Listener, Routes } from "../graph/routes.ts";
import type { Activations } from "./activations.ts";
import { type Arrival, arrivalOf } from "./arrival.ts";
import type { Activation } from "./command.ts";
import type { EntryOf } from "./entry.ts";
import type { Joins } from "./joins.ts";
import { type Fan, type Lanes, rootLane } from "./lane.ts";
import { withIssue, withoutReply } from "./reply-issues.ts";

type FieldEntry = EntryOf<unknown, "field:complete"> | EntryOf<unknown, "field:invalid">;

/** What replies act on. */
interface Parts {
  readonly routes: Routes;
  readonly lanes: Lanes;
  readonly joins: Joins;
  readonly deliver: (listeners: readonly Listener[], arrival: Arrival) => void;
  readonly activations: Activations;
}

/** The replies that are being read: their fields become signals, and their arrays fan-outs. */
export class Replies {
  readonly #parts: Parts;
  /** The ids of the fan-outs that they have opened, by activation and reply. */
  readonly #opened = new Map<string, Set<string>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A value of a reply is complete: it is valid, or it is not. */
  field(entry: FieldEntry): void {
    const { reply, replyId, field, indexes, seq } = entry;
    const { routes, deliver, activations } = this.#parts;
    const isValid = entry.type === "field:complete";
    const activation = activations.get(entry.activationId);
    if (activation !== undefined && !isValid) {
      const { issues, raw } = entry;
      activation.issues = withIssue(activation.issues, replyId, entry.attempt, { path: field, issues, raw });
    }
    const listeners = isValid ? routes.field(reply, field) : routes.invalid(reply, field);
    for (const [lane, group] of this.#byLane(entry, listeners)) {
      if (lane === undefined) continue;
      const inReply = lane === entry.lane ? `${lane}#${replyId}` : lane;
      deliver(group, { ...arrivalOf(payloadOf(entry), lane, `e${seq}`), path: field, indexes, reply: inReply });
    }
    const ending = routes.closers(reply, field);
    const closers = isValid ? ending : ending.filter(({ evenInvalid }) => evenInvalid);
    this.#hear(activation, listeners.length + closers.length);
    const ended = new Set(closers.map((closer) => this.#endOf(entry, closer)));
    for (const id of ended) if (id !== undefined) this.#parts.lanes.closeFan(id);
  }

  /** A whole reply is complete and valid. */
  complete({ reply, replyId, activationId, value, lane, seq }: EntryOf<unknown, "reply:complete">): void {
    const { routes, deliver, joins, activations } = this.#parts;
    const activation = activations.get(activationId);
    if (activation !== undefined) activation.issues = withoutReply(activation.issues, replyId);
    const listeners = routes.done(reply);
    const scope = `${lane}#${replyId}`;
    if (listeners.length > 0) deliver(listeners, { ...arrivalOf(value, lane, `e${seq}`), reply: scope });
    this.#hear(activation, listeners.length);
    this.#close(`${activationId} ${replyId}`, false);
    joins.forget(scope);
  }

  /** Nothing more comes from any reply of an activation; those that are still open broke off. */
  breakOff(activationId: string): void {
    const { activations, joins } = this.#parts;
    if (activations.get(activationId)?.heard === true) joins.forgetReplies(activationId);
    if (this.#opened.size === 0) return;
    for (const key of this.#opened.keys()) if (key.startsWith(`${activationId} `)) this.#close(key, true);
  }

  /** The fan-outs of open replies, as plain data. */
  list(): readonly (readonly [string, readonly string[]])[] {
    return [...this.#opened].map(([key, ids]) => [key, [...ids]] as const);
  }

  restore(opened: ReturnType<Replies["list"]>): void {
    for (const [key, ids] of opened) this.#opened.set(key, new Set(ids));
  }

  #hear(activation: Activation | undefined, listeners: number): void {
    if (activation !== undefined && listeners > 0) activation.heard = true;
  }

  /** Listeners of one field may differ in the lanes that their wildcards open. */
  #byLane(
    entry: FieldEntry,
    listeners: readonly FieldListener[],
  ): ReadonlyMap<string | undefined, readonly FieldListener[]> {
    const groups = new Map<string | undefined, FieldListener[]>();
    for (const listener of listeners) {
      const lane = this.#laneOf(entry, listener.lanes);
      const group = groups.get(lane);
      if (group === undefined) groups.set(lane, [listener]);
      else group.push(listener);
    }
    return groups;
  }

  /** The lane of a field: a fan-out belongs to the reply, so all who listen to item i share its lane. Undefined when it is over. */
  #laneOf(entry: FieldEntry, { fansOut, fans }: FieldLanes): string | undefined {
    if (fans.length === 0) return entry.lane;
    let lane = entry.lane;
    let before = "";
    for (const [depth, path] of lanePaths(entry.field, fansOut).entries()) {
      const bracket = path.lastIndexOf("[");
      const id = fanId(lane, entry, path.slice(0, bracket), before);
      const fan = this.#open(id, lane, fans[depth] ?? "", entry);
      if (fan === undefined) return undefined;
      lane = this.#parts.lanes.item(fan, Number(path.slice(bracket + 1, -1))).id;
      before = path;
    }
    return lane;
  }

  /** The array is complete: no item follows. One without items has had no fan-out until now. @returns the id of that */
  #endOf(entry: FieldEntry, { above, fan }: Closer): string | undefined {
    const lane = this.#laneOf(entry, above);
    if (lane === undefined) return undefined;
    const id = fanId(lane, entry, entry.field, lanePaths(entry.field, above.fansOut).at(-1) ?? "");
    this.#open(id, lane, fan, entry);
    return id;
  }

  /** The fan-out over an array; undefined when that has ended, and is written once more: lanes do not open again. */
  #open(id: string, lane: string, source: string, { activationId, replyId }: FieldEntry): Fan | undefined {
    const { lanes } = this.#parts;
    const key = `${activationId} ${replyId}`;
    const opened = this.#opened.get(key);
    if (opened?.has(id) === true && !lanes.isOpen(id)) return undefined;
    if (opened === undefined) this.#opened.set(key, new Set([id]));
    else opened.add(id);
    return lanes.fan(id, lane, source);
  }

  #close(key: string, broken: boolean): void {
    const ids = this.#opened.get(key);
    if (ids === undefined) return;
    this.#opened.delete(key);
    for (const id of ids) this.#parts.lanes.closeFan(id, broken);
  }
}

function payloadOf(entry: FieldEntry): unknown {
  if (entry.type === "field:complete") return entry.value;
  const { field, indexes, issues, raw } = entry;
  return { path: field, indexes, issues, raw } satisfies Invalid;
}

/** `/triage@a1:items` at the root of a reply, `/triage@a1:items[2]/tags` below an item. */
function fanId(lane: string, { lane: base, replyId }: FieldEntry, array: string, before: string): string {
  const rest = before === "" ? array : array.slice(before.length).replace(/^\./, "");
  if (lane !== base) return `${lane}/${rest}`;
  return `${lane === rootLane ? "" : lane}/${replyId}:${rest}`;
}
