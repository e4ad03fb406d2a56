import type { Amount } from "../define/budget.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import type { Entry, EntryDraft } from "../machine/entry.ts";
import type { Writer } from "../store/writer.ts";
import type { Attempt } from "./attempt.ts";
import type { Gate } from "./command-queue.ts";
import { Costs, type Spending } from "./costs.ts";
import { Kin } from "./kin.ts";
import { type ParentOfLost, lostChild } from "./lost-child.ts";
import type { LostChild, Past } from "./past.ts";
import { draftRefusal, refusalOf } from "./plain-data.ts";

/** The execution that is kept. */
interface Kept extends ParentOfLost {
  readonly where: string;
  /** Of a child: hears what it spends. */
  readonly onCost: ((cost: Amount) => void) | undefined;
}

type Act = (failure: SluiceError | undefined) => void;

/** Keeps an execution for whoever goes on with it: its entries, and the children of its attempts. Only a stored one has it. */
export class Keeper {
  readonly writer: Writer;
  readonly #kept: Kept;
  readonly #past: Past | undefined;
  readonly #costs: Costs;

  /** @param past what is stored of the execution, of one that goes on */
  constructor(kept: Kept, writer: Writer, past: Past | undefined) {
    this.#kept = kept;
    this.writer = writer;
    this.#past = past;
    this.#costs = new Costs(past?.spending);
  }

  /** Lets commands pass when what they come from is stored; undefined where they need not wait. */
  get gate(): Gate | undefined {
    return this.writer.isSync ? this.writer : undefined;
  }

  /** What has been spent so far, here and in its children. */
  get spending(): Spending {
    return this.#costs.list();
  }

  /** Takes an entry to the store. */
  take(entry: Entry): void {
    this.writer.take(entry);
    const cost = this.#costs.take(entry);
    if (cost !== undefined) this.#kept.onCost?.(cost);
  }

  /** A child of a chunk has spent something. */
  spend(chunk: string, cost: Amount): void {
    this.#costs.spend(chunk, cost);
    this.#kept.onCost?.(cost);
  }

  /** Why a value cannot be stored; undefined where it can. */
  refusal(value: unknown, where: string): SluiceError | undefined {
    return refusalOf(value, where);
  }

  /** Looks at what an entry carries. @throws SluiceError `not-serialisable` */
  check(draft: EntryDraft): void {
    const refused = draftRefusal(draft, this.#kept.where);
    if (refused !== undefined) throw refused;
  }

  /** Calls back when all that has been appended is stored; with an error when it cannot be. */
  whenStored(act: Act): void {
    this.writer.whenStored(act);
  }

  /** As `whenStored`, where chunks wait for that; else at once. */
  whenSafe(act: Act): void {
    if (this.writer.isSync) this.whenStored(act);
    else act(undefined);
  }

  /** Settles as `whenSafe` calls back. */
  safe(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.whenSafe((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }

  /** Finds the children of the attempt that a crash has ended. */
  find(attempt: Attempt): void {
    const lost = this.#past?.takeChildren(attempt.activation.id) ?? [];
    if (lost.length > 0) attempt.kin = this.#kin(attempt, lost);
  }

  /** An attempt goes on with the children of one that a crash has ended. */
  handOver(from: Attempt, to: Attempt): void {
    if (from.kin !== undefined) to.kin = this.#kin(to, from.kin.lost);
  }

  /** Notes a child of an attempt. */
  keep(attempt: Attempt, known: Parameters<Kin["add"]>[0]): void {
    attempt.kin ??= this.#kin(attempt, []);
    attempt.kin.add(known);
  }

  #kin(attempt: Attempt, lost: readonly LostChild[]): Kin {
    return new Kin(attempt, lost, (child, forget) => lostChild(this.#kept, attempt, child, forget));
  }
}
