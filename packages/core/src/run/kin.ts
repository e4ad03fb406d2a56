import { isSameJson } from "../machine/same-json.ts";
import type { Below } from "./below.ts";
import type { ChildData, LostChild, PastData } from "./past.ts";

/** A child that runs, or has run. */
interface Known extends Omit<ChildData, "past"> {
  readonly past: { readonly list: () => PastData };
}

/** Whose children they are. */
interface Parent {
  readonly adopt: (child: Below) => () => void;
}

/** A lost child that ends with the next attempt. */
export interface LostBelow extends Below {
  /** What it has come to: it may run again, to undo its work. */
  readonly list: () => PastData;
}

/** What becomes of a lost child that nobody asks for again. @param forget it is over */
type Fate = (lost: LostChild, forget: () => void) => LostBelow;

/** A lost child that nobody has asked for. */
interface Unclaimed {
  /** What it has come to. */
  readonly list: () => PastData;
  /** It ends with the attempt no longer. */
  readonly forget: () => void;
}

/** The children of an attempt whose execution is stored, and those of the attempt before it, which a crash has ended. */
export class Kin {
  readonly #known: Known[] = [];
  readonly #lost = new Map<LostChild, Unclaimed>();

  constructor(parent: Parent, lost: Iterable<LostChild>, fate: Fate) {
    for (const one of lost) {
      if (one.past.final !== undefined) this.#lost.set(one, { list: () => one.past.list(), forget: () => {} });
      else {
        const child = fate(one, () => forget());
        const forget = parent.adopt(child);
        this.#lost.set(one, { list: child.list, forget });
      }
    }
  }

  /** Those that nobody has asked for again. */
  get lost(): readonly LostChild[] {
    return [...this.#lost.keys()];
  }

  /** The child that the same call has got before the crash: of the same flow, with the same input, the first of them. */
  claim(flow: string, input: unknown): LostChild | undefined {
    for (const [lost, { forget }] of this.#lost) {
      if (lost.flow !== flow || !isSameJson(lost.input, input)) continue;
      this.#lost.delete(lost);
      forget();
      return lost;
    }
    return undefined;
  }

  add(known: Known): void {
    this.#known.push(known);
  }

  list(): readonly ChildData[] {
    const known = this.#known.map(({ past, ...rest }) => ({ ...rest, past: past.list() }));
    const lost = [...this.#lost].map(([{ flow, graphHash, input }, { list }]) => ({
      flow,
      graphHash,
      input,
      past: list(),
    }));
    return [...known, ...lost];
  }
}
