import type { Steps } from "../graph/routes.ts";
import type { Activations } from "./activations.ts";
import type { Arrival } from "./arrival.ts";
import type { Claims, IsTakenBack } from "./claims.ts";
import type { Activation, Command } from "./command.ts";
import type { Delivery } from "./delivery.ts";
import type { JoinData } from "./join-way.ts";
import type { Joins } from "./joins.ts";
import { type Lanes, rootLane } from "./lane.ts";
import type { NewValue, Replies } from "./replies.ts";
import type { Rollback } from "./rollback.ts";

/** What comes when all that was taken back is undone: a field's new value, or those who answer for the failure of a chunk. */
export type Next =
  | ({ readonly type: "field" } & NewValue)
  | { readonly type: "failed"; readonly chunk: string; readonly arrival: Arrival };

/** What happened because of a signal that has been taken back, on its way out. */
interface Retraction {
  readonly ids: readonly string[];
  /** What had begun because of it. */
  readonly activations: readonly string[];
  /** The lane of the reply, which is not done before. */
  readonly lane: string;
  /** Whether the log has it. */
  told: boolean;
  /** Which activations still run. */
  readonly running: string[];
  /** Which completed ones are still to be undone. */
  readonly undoing: string[];
  /** The joins that have been given something back. */
  readonly joins: readonly JoinKey[];
  /** What comes then, and the lanes that are not done before. */
  readonly next: { readonly what: Next; readonly lanes: readonly string[] }[];
  /** The replies that are over then. */
  readonly scopes: string[];
}

type JoinKey = Pick<JoinData, "scope" | "step">;

/** What was completed because of something that can be taken back. */
interface Completed {
  readonly id: string;
  readonly chunk: number;
  readonly trigger: number;
  readonly lane: string;
  readonly claims: Claims;
}

/** Retractions as plain data. */
export interface RetractionsData {
  readonly pending: readonly Retraction[];
  readonly completed: readonly Completed[];
}

/** What taking back acts on. */
interface Parts {
  readonly steps: Steps;
  readonly activations: Activations;
  readonly lanes: Lanes;
  readonly joins: Joins;
  readonly rollback: Rollback;
  readonly replies: () => Replies;
  readonly delivery: () => Delivery;
  readonly command: (command: Command) => void;
  /** Ends an activation that does not run. */
  readonly end: (activation: Activation) => void;
  /** What else has been kept because of it is forgotten. */
  readonly forget: (goes: IsTakenBack) => void;
  /** A reply that has been taken back is over. */
  readonly over: (reply: string, scope: string) => void;
  /** What was waited for comes. */
  readonly proceed: (next: Next) => void;
}

/**
 * Takes signals back: what has not begun because of them does not begin, what runs is ended, what has completed is undone,
 * the last first; then comes what is there instead. One after the other.
 */
export class Retractions {
  readonly #parts: Parts;
  readonly #pending: Retraction[] = [];
  #completed: Completed[] = [];
  /** How many are being taken back within each other, and the replies that are over when the outermost is. */
  #depth = 0;
  readonly #over: { readonly id: string; readonly scope: string }[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A chunk has completed because of something that can be taken back. */
  completed({ id, chunk, trigger, arrival: { lane } }: Activation, claims: Claims): void {
    this.#completed.push({ id, chunk, trigger, lane, claims });
  }

  /** What claims of replies have brought about is taken back. `lane` is not done before that is over. */
  takeBack(
    claims: Claims,
    { lane, replies: of, next }: { lane: string; replies: readonly string[]; next?: NewValue | undefined },
  ): void {
    const { activations, lanes, joins, rollback, steps, replies, command } = this.#parts;
    this.#depth += 1;
    const gone = new Set(claims);
    const goes: IsTakenBack = (others) => others?.some((id) => gone.has(id)) === true;
    const affected = this.#affected(goes, gone);
    const discarded = affected.flatMap(({ id }) => replies().discard(id));
    const completed = this.#completed.filter((one) => goes(one.claims));
    const began = [...completed, ...affected.filter((one) => one.attempts > 0)];
    this.#completed = this.#completed.filter((one) => !goes(one.claims));
    // what is to come keeps its lanes, so that none is done in between
    const held = [lane, ...(next === undefined ? [] : replies().lanesOf(next.entry))].map((one) => lanes.hold(one));
    const retraction: Retraction = {
      ids: [...gone],
      activations: began.map(({ id }) => id),
      lane: held[0] ?? rootLane,
      told: false,
      running: affected.filter((one) => one.running).map(({ id }) => id),
      undoing: [...rollback.takeBack(goes)],
      joins: joins.takeBack(goes, steps).map(({ scope, step }) => ({ scope, step })),
      next: next === undefined ? [] : [{ what: { type: "field", ...next }, lanes: held.slice(1) }],
      scopes: [],
    };
    const before = [...this.#pending];
    this.#pending.push(retraction);
    command(this.#commandOf(retraction)); // first: what is outdated by it is taken back within this call, and told after it
    // values go before those who hold their lanes, so that nothing is gathered of them
    this.#parts.forget(goes);
    lanes.takeBack(goes, of);
    for (const one of before) this.#drop(one, gone, goes);
    for (const one of completed) activations.unspend(one.chunk, one.trigger, one.lane);
    for (const one of affected) {
      activations.unspend(one.chunk, one.trigger, one.arrival.lane);
      if (one.running) one.retracted = true;
      else this.#parts.end(one);
    }
    this.#over.push(...discarded);
    this.#depth -= 1;
    if (this.#depth > 0) return;
    for (const { id, scope } of this.#over.splice(0)) this.#parts.over(id, scope);
  }

  /** Whether something is on its way out. */
  get areLeft(): boolean {
    return this.#pending.length > 0;
  }

  /** Those who answer for a failure hear of it when all that was taken back because of it is undone. */
  postpone(chunk: string, arrival: Arrival): void {
    const lane = this.#parts.lanes.hold(arrival.lane);
    this.#pending.at(-1)?.next.push({ what: { type: "failed", chunk, arrival }, lanes: [lane] });
  }

  /** Nothing more comes from a reply, but what is still waited for: its joins are forgotten then. */
  forget(scope: string): void {
    const last = this.#pending.at(-1);
    if (last === undefined) this.#parts.joins.forget(scope);
    else last.scopes.push(scope);
  }

  /** The log has the oldest that it had not. */
  told(): void {
    const retraction = this.#pending.find((one) => !one.told);
    if (retraction !== undefined) retraction.told = true;
    this.advance();
  }

  /** An activation that was to be ended is over; `undoing`: it had completed, and is to be undone. */
  ended(id: string, undoing: boolean): void {
    for (const { running, undoing: undos } of this.#pending) {
      const at = running.indexOf(id);
      if (at < 0) continue;
      running.splice(at, 1);
      if (undoing) undos.push(id);
    }
    this.advance();
  }

  /** A completed chunk has been undone, or could not be. */
  undone(id: string): void {
    for (const { undoing } of this.#pending) if (undoing.includes(id)) undoing.splice(undoing.indexOf(id), 1);
    this.advance();
  }

  /** What can be taken back no more is not remembered. */
  confirm(isOpen: (claims: Claims) => boolean): void {
    if (this.#completed.length > 0) this.#completed = this.#completed.filter(({ claims }) => isOpen(claims));
  }

  /** What is still to be told, and ended. */
  pending(): readonly Command[] {
    return this.#pending.filter(({ told, running }) => !told || running.length > 0).map((one) => this.#commandOf(one));
  }

  list(): RetractionsData {
    return { pending: this.#pending.map(copyOf), completed: [...this.#completed] };
  }

  restore({ pending, completed }: RetractionsData): void {
    this.#pending.push(...pending.map(copyOf));
    this.#completed = [...completed];
  }

  /** Goes on with the first of them as far as it can. */
  advance(): void {
    const { lanes, joins, rollback, command, proceed, delivery, steps } = this.#parts;
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      if (!first.told || first.running.length > 0) return;
      if (first.undoing.length > 0) {
        for (const one of rollback.next()) command(one);
        return;
      }
      this.#pending.shift();
      const again = first.joins.flatMap((key) => joins.find(key) ?? []);
      if (again.length > 0) delivery().again(again, steps);
      for (const { what, lanes: held } of first.next) {
        proceed(what);
        for (const lane of held) lanes.leave(lane);
      }
      for (const scope of first.scopes) joins.forget(scope);
      lanes.leave(first.lane);
    }
  }

  /** What is not over and follows from what is taken back. With it go the replies that it reads, and what was gathered of it. */
  #affected(goes: IsTakenBack, gone: Set<string>): readonly Activation[] {
    const { activations, lanes, replies } = this.#parts;
    for (;;) {
      const { size } = gone;
      const affected = [...activations.all()].filter((one) => !one.retracted && goes(one.arrival.claims));
      for (const { id } of affected) for (const claim of replies().claimsOf(id)) gone.add(claim);
      for (const claim of lanes.outdatedBy(goes)) gone.add(claim);
      if (gone.size === size) return affected;
    }
  }

  /** What was still to come because of what is taken back does not come. */
  #drop({ next }: Retraction, gone: ReadonlySet<string>, goes: IsTakenBack): void {
    const dropped = next.filter(
      ({ what }) => what.type === "field" && (gone.has(`e${what.entry.seq}`) || goes(what.above)),
    );
    for (const one of dropped) {
      next.splice(next.indexOf(one), 1);
      for (const lane of one.lanes) this.#parts.lanes.leave(lane);
    }
  }

  #commandOf({ ids, activations, told, running }: Retraction): Command {
    const still = running.flatMap((id) => this.#parts.activations.get(id) ?? []);
    return { type: "retract", ids, activations, told, running: still };
  }
}

function copyOf({ running, undoing, next, scopes, ...one }: Retraction): Retraction {
  return { ...one, running: [...running], undoing: [...undoing], next: [...next], scopes: [...scopes] };
}
