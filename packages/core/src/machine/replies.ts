import type { Invalid } from "../define/trigger.ts";
import type { Listener, Routes } from "../graph/routes.ts";
import type { Activations } from "./activations.ts";
import { type Arrival, arrivalOf } from "./arrival.ts";
import type { Claims } from "./claims.ts";
import { type Delivered, EarlierFields } from "./earlier-fields.ts";
import type { EntryOf } from "./entry.ts";
import type { Lanes } from "./lane.ts";
import { type ReplyPlace, byLane, endOf } from "./reply-lanes.ts";
import { withIssue, withoutReply } from "./reply-issues.ts";
import { isSameJson } from "./same-json.ts";

/** A value of a reply that is complete: it is valid, or it is not. */
export type FieldEntry = EntryOf<unknown, "field:complete"> | EntryOf<unknown, "field:invalid">;

/** A value that comes in place of another. */
export interface NewValue {
  readonly entry: FieldEntry;
  /** What the activation that reads the reply could be taken back with. */
  readonly above: Claims | undefined;
}

/** What replies act on. */
interface Parts {
  readonly routes: Routes;
  readonly lanes: Lanes;
  readonly deliver: (listeners: readonly Listener[], arrival: Arrival) => void;
  readonly activations: Activations;
  /** What these claims of replies in a lane have brought about is taken back; then the new value of a field is delivered. */
  readonly takeBack: (
    claims: Claims,
    of: { readonly replies: readonly string[]; readonly lane: string },
    next?: NewValue,
  ) => void;
  /** A reply is over: what follows from it and has not been taken back is a fact. */
  readonly over: (reply: string, scope: string) => void;
}

/** A reply that is being read. */
export interface OpenReply {
  readonly id: string;
  readonly activationId: string;
}

/** A reply that is over, and what it came to. */
export interface KeptReply {
  readonly value: unknown;
  /** Whether its generation was ended on purpose. */
  readonly stopped: boolean;
}

/** A reply that is being read, or will be read again by the next attempt. */
interface Open extends OpenReply {
  /** The lane that it is read in. */
  readonly lane: string;
  /** By path. */
  readonly fields: Map<string, Delivered>;
  /** The fan-outs that it has opened, by id, with the attempt that has written them last. */
  readonly fans: Map<string, number>;
}

/** A reply that is over without being complete. */
interface Discarded {
  readonly id: string;
  readonly lane: string;
  /** Where joins of its fields fill. */
  readonly scope: string;
  readonly claims: Claims;
}

/** Replies as plain data. */
export interface RepliesData {
  readonly open: readonly (Omit<Open, "fields" | "fans"> & {
    readonly fields: readonly Delivered[];
    readonly fans: readonly (readonly [fan: string, attempt: number])[];
  })[];
  readonly kept: readonly (readonly [reply: string, activationId: string, kept: KeptReply])[];
}

const none: readonly never[] = [];

/**
 * The replies of the activations that are not over. While one is open, its fields are signals that can be taken back, and
 * its arrays fan-outs; when it is complete it is kept, and not asked for again.
 */
export class Replies {
  readonly #parts: Parts;
  readonly #open = new Map<string, Open>();
  /** The fields of open replies, and these themselves. */
  readonly #claims = new Set<string>();
  readonly #kept = new Map<string, KeptReply & { readonly activationId: string }>();
  readonly #earlier = new EarlierFields();
  /** The replies of an activation, open or kept. */
  readonly #of = new Map<string, Set<string>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether one of these can still be taken back. */
  isOpen(claims: Claims): boolean {
    return claims.some((id) => this.#claims.has(id));
  }

  /** A reply that is over, while its activation is not. */
  kept(replyId: string): KeptReply | undefined {
    return this.#kept.get(replyId);
  }

  /** The open reply with a name that is nearest among the causes of something. */
  among(claims: Claims, name: string): OpenReply | undefined {
    return [...this.#open.values()].findLast(
      (open) => open.id.startsWith(`${name}@`) && claimsIn(open).some((id) => claims.includes(id)),
    );
  }

  /**
   * A value of a reply is complete. What a later attempt writes again as it was is not delivered twice; what it writes
   * otherwise replaces what was there.
   */
  field(entry: FieldEntry): void {
    const { field, attempt, replyId } = entry;
    if (entry.type === "field:invalid") this.#note(entry);
    const listeners = this.#listeners(entry);
    const closers = this.#closers(entry);
    const known = this.#open.get(replyId)?.fields.get(field);
    if (known === undefined && listeners.length + closers.length === 0) return;
    this.#hear(entry.activationId);
    const open = this.#openOf(entry);
    const above = this.#above(entry.activationId);
    if (attempt > 1 && closers.length > 0)
      this.#takeBackMissing(open, attempt, this.#earlier.within(field, open.fields, attempt));
    const raw = entry.type === "field:invalid" ? entry.raw : (entry.raw ?? entry.value);
    if (known !== undefined && isSameJson(known.raw, raw)) {
      known.attempt = attempt;
      this.#groups(entry); // its fan-outs are written again, too
    } else {
      const isFact = entry.type === "field:invalid";
      this.#replace(open, known, { id: `e${entry.seq}`, path: field, raw, isFact, attempt }, { entry, above });
    }
    const ended = new Set(closers.map((closer) => endOf(this.#placeOf(entry), closer)));
    for (const id of ended) {
      if (Array.isArray(raw) && this.#parts.lanes.sizeOf(id) > raw.length) this.#cut(open, field, raw.length);
      this.#parts.lanes.closeFan(id);
    }
  }

  /** A field starts what listens to it; `late`: after another value was there, which is undone. */
  deliver({ entry, above = none }: NewValue, late = true): void {
    const { replyId, field, indexes, seq } = entry;
    const id = `e${seq}`;
    const open = [...(this.isOpen(above) ? above : none), ...(this.#claims.has(id) ? [id] : none)];
    const claims = open.length === 0 ? undefined : open;
    for (const [lane, group] of this.#groups(entry, !late)) {
      const inReply = lane === entry.lane ? `${lane}#${replyId}` : lane;
      const arrival = arrivalOf(payloadOf(entry), lane, id);
      this.#parts.deliver(group, { ...arrival, path: field, indexes, reply: inReply, claims });
    }
  }

  /** The lanes that a field is delivered in. */
  lanesOf(entry: FieldEntry): readonly string[] {
    return [...this.#groups(entry).keys()];
  }

  /** A whole reply is complete and valid: what it has brought about is confirmed. */
  complete(entry: EntryOf<unknown, "reply:complete">): void {
    const { reply, activationId, value, lane, seq } = entry;
    const listeners = this.#parts.routes.done(reply);
    this.#confirm(entry, (scope) => {
      if (listeners.length === 0) return;
      this.#hear(activationId);
      const claims = this.#above(activationId);
      this.#parts.deliver(listeners, { ...arrivalOf(value, lane, `e${seq}`), reply: scope, claims });
    });
  }

  /** The generation was ended on purpose: what is there is confirmed. */
  stopped(entry: EntryOf<unknown, "reply:stopped">): void {
    this.#confirm(entry, () => {});
  }

  /** Nothing more comes from any reply of an activation: what those that are not complete have brought about is taken back. @returns whether there were such */
  breakOff(activationId: string): boolean {
    const broken = this.#of.size === 0 ? none : this.discard(activationId);
    const [first] = broken;
    if (first === undefined) return false;
    // all at once: none is over while something of another one still stands
    const claims = broken.flatMap((one) => one.claims);
    this.#parts.takeBack(claims, { replies: broken.map(({ id }) => id), lane: first.lane });
    for (const { id, scope } of broken) this.#parts.over(id, scope);
    return true;
  }

  /** What can be taken back of the open replies of an activation. */
  claimsOf(activationId: string): Claims {
    return [...(this.#of.get(activationId) ?? none)].flatMap((id) => {
      const open = this.#open.get(id);
      return open === undefined ? [] : claimsIn(open);
    });
  }

  /** The replies of an activation that is taken back itself are over. @returns those that were open */
  discard(activationId: string): readonly Discarded[] {
    const ids = [...(this.#of.get(activationId) ?? [])];
    this.#of.delete(activationId);
    return ids.flatMap((id) => {
      this.#kept.delete(id);
      const open = this.#open.get(id);
      return open === undefined ? [] : [{ id, lane: open.lane, scope: scopeOf(open), claims: this.#close(open) }];
    });
  }

  list(): RepliesData {
    const open = [...this.#open.values()].map(({ fields, fans, ...open }) => ({
      ...open,
      fields: [...fields.values()].map((field) => ({ ...field })),
      fans: [...fans],
    }));
    return { open, kept: [...this.#kept].map(([id, { activationId, ...kept }]) => [id, activationId, kept]) };
  }

  restore({ open, kept }: RepliesData): void {
    for (const { fields, fans, ...one } of open) {
      const own = { ...one, fields: new Map(fields.map((field) => [field.path, { ...field }])), fans: new Map(fans) };
      this.#open.set(one.id, own);
      this.#belongs(one.id, one.activationId);
      for (const claim of claimsIn(own)) this.#claims.add(claim);
    }
    for (const [id, activationId, one] of kept) this.#keep(id, activationId, one);
  }

  #hear(activationId: string): void {
    const activation = this.#parts.activations.get(activationId);
    if (activation !== undefined) activation.heard = true;
  }

  #belongs(replyId: string, activationId: string): void {
    const ids = this.#of.get(activationId);
    if (ids === undefined) this.#of.set(activationId, new Set([replyId]));
    else ids.add(replyId);
  }

  #keep(replyId: string, activationId: string, kept: KeptReply): void {
    this.#kept.set(replyId, { activationId, ...kept });
    this.#belongs(replyId, activationId);
  }

  #openOf({ replyId, activationId, lane }: FieldEntry): Open {
    let open = this.#open.get(replyId);
    if (open === undefined) {
      open = { id: replyId, activationId, lane, fields: new Map(), fans: new Map() };
      this.#open.set(replyId, open);
      this.#belongs(replyId, activationId);
      this.#claims.add(replyId);
    }
    return open;
  }

  #groups(entry: FieldEntry, isWritten = true) {
    return byLane(this.#placeOf(entry, isWritten), this.#listeners(entry));
  }

  #listeners({ type, reply, field }: FieldEntry) {
    const { routes } = this.#parts;
    return type === "field:complete" ? routes.field(reply, field) : routes.invalid(reply, field);
  }

  #closers({ type, reply, field }: FieldEntry) {
    const closers = this.#parts.routes.closers(reply, field);
    return type === "field:complete" ? closers : closers.filter(({ evenInvalid }) => evenInvalid);
  }

  /** A value comes for the first time, or in place of what was there. */
  #replace(open: Open, known: Delivered | undefined, field: Delivered, value: NewValue): void {
    const isHeard = this.#listeners(value.entry).length > 0;
    if (known !== undefined) {
      open.fields.delete(known.path);
      this.#claims.delete(known.id);
    }
    if (isHeard) {
      open.fields.set(field.path, field);
      if (!field.isFact) this.#claims.add(field.id);
    }
    if (known?.isFact === false) this.#takeBack([known.id], open, isHeard ? value : undefined);
    else if (isHeard) this.deliver(value, false);
  }

  /** An array is shorter than where it was written before: what lay beyond its end is taken back. */
  #cut(open: Open, array: string, length: number): void {
    const begin = `${array}[`;
    const beyond = [...open.fields.values()].filter(
      ({ path }) => path.startsWith(begin) && Number.parseInt(path.slice(begin.length), 10) >= length,
    );
    this.#takeBackAll(open, beyond);
  }

  /** The next attempt's model is to be told. */
  #note(entry: EntryOf<unknown, "field:invalid">): void {
    const activation = this.#parts.activations.get(entry.activationId);
    if (activation === undefined) return;
    const { field: path, issues, raw } = entry;
    activation.issues = withIssue(activation.issues, entry.replyId, entry.attempt, { path, issues, raw });
  }

  #takeBack(claims: Claims, { id, lane }: Open, next?: NewValue): void {
    this.#parts.takeBack(claims, { replies: [id], lane }, next);
  }

  /** Where a field's lanes are, and what is known of the fan-outs that they lie in; `isWritten`: that is now. */
  #placeOf(entry: ReplyPlace["entry"] & Pick<FieldEntry, "attempt" | "activationId">, isWritten = true): ReplyPlace {
    const open = this.#open.get(entry.replyId);
    const { lanes } = this.#parts;
    return {
      entry,
      fan: (id, lane, source) => {
        const above = this.#above(entry.activationId);
        const fan = lanes.fan(id, lane, source, open === undefined ? above : [...(above ?? none), open.id]);
        if (open !== undefined && isWritten) {
          open.fans.set(id, entry.attempt);
          fan.open = true;
        }
        return fan;
      },
      item: (fan, index) => lanes.item(fan, index).id,
    };
  }

  /** What an earlier attempt wrote and this one did not is taken back. */
  #takeBackMissing(open: Open, attempt: number, fields: Iterable<Delivered>): void {
    const missing = [...fields].filter((one) => one.attempt < attempt && open.fields.get(one.path) === one);
    this.#takeBackAll(open, missing);
  }

  #takeBackAll(open: Open, fields: readonly Delivered[]): void {
    for (const { path, id } of fields) {
      open.fields.delete(path);
      this.#claims.delete(id);
    }
    const gone = fields.flatMap(({ id, isFact }) => (isFact ? [] : [id]));
    if (gone.length > 0) this.#takeBack(gone, open);
  }

  /** The reply is over, and what it has brought about stays. */
  #confirm(entry: EntryOf<unknown, "reply:complete" | "reply:stopped">, done: (scope: string) => void): void {
    const { replyId, activationId, attempt, value, lane } = entry;
    const scope = scopeOf({ id: replyId, lane });
    this.#keep(replyId, activationId, { value, stopped: entry.type === "reply:stopped" });
    const activation = this.#parts.activations.get(activationId);
    if (activation !== undefined) activation.issues = withoutReply(activation.issues, replyId);
    const open = this.#open.get(replyId);
    if (open !== undefined) {
      if (attempt > 1) this.#takeBackMissing(open, attempt, open.fields.values());
      // before anything is confirmed: what was gathered of these goes, too
      for (const [id, written] of open.fans) if (written < attempt) this.#parts.lanes.discard(id);
      this.#close(open);
    }
    done(scope);
    // a root that is an array ends with its reply
    const roots = this.#parts.routes
      .closers(entry.reply, "")
      .map((one) => endOf(this.#placeOf({ ...entry, field: "" }), one));
    for (const id of roots) this.#parts.lanes.closeFan(id);
    for (const id of open?.fans.keys() ?? none) this.#parts.lanes.closeFan(id);
    this.#parts.over(replyId, scope);
  }

  /** @returns what was open of it */
  #close(open: Open): Claims {
    const claims = claimsIn(open);
    this.#open.delete(open.id);
    for (const id of claims) this.#claims.delete(id);
    return claims;
  }

  /** What the activation that reads a reply can be taken back with. */
  #above(activationId: string): Claims | undefined {
    const claims = this.#parts.activations.get(activationId)?.arrival.claims;
    return claims !== undefined && this.isOpen(claims) ? claims : undefined;
  }
}

function payloadOf(entry: FieldEntry): unknown {
  if (entry.type === "field:complete") return entry.value;
  const { field, indexes, issues, raw } = entry;
  return { path: field, indexes, issues, raw } satisfies Invalid;
}

function scopeOf({ id, lane }: Pick<Open, "id" | "lane">): string {
  return `${lane}#${id}`;
}

function claimsIn({ id, fields }: Open): Claims {
  return [id, ...[...fields.values()].flatMap((field) => (field.isFact ? [] : [field.id]))];
}
