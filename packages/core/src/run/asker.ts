import type { Interrupt } from "../define/interrupt.ts";
import type { OpenQuestion } from "../machine/entry.ts";

/** An answer to a question. */
export interface Answer {
  readonly id: string;
  readonly answer: unknown;
  /** The question's name, where the one who answers knows it. */
  readonly name?: string;
  /** What it must fit, where the chunk that waits has not asked again after a crash. */
  readonly schema?: Interrupt["answer"];
  readonly requestId?: string;
}

/** Who asks, and takes answers in. */
export interface Asker {
  /** What can be answered, here and in the children that run. */
  readonly open: () => readonly OpenQuestion[];
  /** Who has asked a question, here or below; undefined where nobody has. */
  readonly ownerOf: (id: string) => Asker | undefined;
  /** Takes an answer in that is one to it. */
  readonly take: (answer: Answer) => void;
}
