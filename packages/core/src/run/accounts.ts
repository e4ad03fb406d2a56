import type { Budget } from "../define/budget.ts";
import type { GraphChunk } from "../graph/graph.ts";
import type { EntryDraft } from "../machine/entry.ts";
import { Account } from "./account.ts";
import type { Spending } from "./costs.ts";

/** The accounts of one execution: its own, and those of its chunks that have a budget. */
export class Accounts {
  readonly #own: Account | undefined;
  readonly #tell: (draft: EntryDraft) => void;
  readonly #chunks = new Map<string, Account>();
  /** What was spent before a crash. */
  readonly #past: Spending | undefined;

  /** @param parent of a child: the account of the chunk that runs it */
  constructor(
    budget: Budget | undefined,
    parent: Account | undefined,
    tell: (draft: EntryDraft) => void,
    past: Spending | undefined,
  ) {
    this.#past = past;
    this.#own = budget === undefined ? parent : new Account(budget, { parent, tell, ...this.#before("") });
    this.#tell = tell;
  }

  /** The account that a chunk spends from; undefined where nothing is limited. */
  of({ name: chunk, budget }: GraphChunk): Account | undefined {
    if (budget === undefined) return this.#own;
    let account = this.#chunks.get(chunk);
    if (account === undefined) {
      account = new Account(budget, { chunk, parent: this.#own, tell: this.#tell, ...this.#before(chunk) });
      this.#chunks.set(chunk, account);
    }
    return account;
  }

  #before(account: string) {
    const spent = this.#past?.spent.find(([chunk]) => chunk === account)?.[1];
    const reached = this.#past?.reached.find(([chunk]) => chunk === account)?.[1];
    return { ...(spent !== undefined && { spent }), ...(reached !== undefined && { reached }) };
  }
}
