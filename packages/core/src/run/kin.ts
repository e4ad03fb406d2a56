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

/** What becomes of a lost child that nobody asks for again. @param forget it is over */
type Fate = (lost: LostChild, forget: () => void) => Below;

/** The children of an attempt whose execution is stored, and those of the attempt before it, which a crash has ended. */
export class Kin {
  readonly #known: Known[] = [];
  /** With what lets go of those that end with the attempt. */
  readonly #lost = new Map<LostChild, () => void>();

  constructor(parent: Parent, lost: Iterable<LostChild>, fate: Fate) {
    for (const one of lost) {
      const forget = one.past.final === undefined ? parent.adopt(fate(one, () => forget())) : (): void => {};
      this.#lost.set(one, forget);
    }
  }

  /** Those that nobody has asked for again. */
  get lost(): readonly LostChild[] {
    return [...this.#lost.keys()];
  }

  /** The child that the same call has got before the crash: of the same flow, with the same input, the first of them. */
  claim(flow: string, input: unknown): LostChild | undefined {
    for (const [lost, forget] of this.#lost) {
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
    const lost = this.lost.map(({ again, past, ...rest }) => ({ ...rest, past: again ?? past }));
    return [...this.#known, ...lost].map(({ flow, graphHash, input, past }) => ({
      flow,
      graphHash,
      input,
      past: past.list(),
    }));
  }
}
