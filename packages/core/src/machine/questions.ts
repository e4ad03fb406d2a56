import { SluiceError } from "../error/sluice-error.ts";
import type { Claims, IsTakenBack } from "./claims.ts";
import type { Asked, EntryOf, OfChunk } from "./entry.ts";
import { isSameJson } from "./same-json.ts";

/** A question that is not over. */
export interface Question extends Asked {
  readonly origin: OfChunk;
  /** Whether the chunk that asks it waits for the answer itself. */
  readonly inline: boolean;
  /** What it follows from and can be taken back: it is not asked before that is confirmed. */
  claims: Claims | undefined;
  /** Whether the log says that it has been asked. */
  raised: boolean;
  /** Whether its time is over, while the log does not say so yet. */
  late: boolean;
}

/** How a question has ended. */
export type QuestionEnd =
  | { readonly how: "answered"; readonly answer: unknown; readonly requestId: string | undefined }
  | { readonly how: "expired" }
  /** The attempt that waited for the answer is over. */
  | { readonly how: "withdrawn" };

/** A question that is over. */
export type EndedQuestion = QuestionEnd & { readonly name: string };

/** Questions as plain data. */
export interface QuestionsData {
  readonly open: readonly Question[];
  readonly ended: readonly (readonly [id: string, end: EndedQuestion])[];
}

/** The questions of one execution: those that are open, and how the others have ended. */
export class Questions {
  readonly #open = new Map<string, Question>();
  readonly #ended = new Map<string, EndedQuestion>();
  /** How many of the open ones are inline. */
  #inline = 0;

  get(id: string): Question | undefined {
    return this.#open.get(id);
  }

  end(id: string): EndedQuestion | undefined {
    return this.#ended.get(id);
  }

  /** The one that a timer is of. */
  timed(timer: string): Question | undefined {
    return timer.startsWith(timerPrefix) ? this.#open.get(timer.slice(timerPrefix.length)) : undefined;
  }

  /** Those that people have been asked, in that order. */
  raised(): readonly Question[] {
    return [...this.#open.values()].filter(({ raised }) => raised);
  }

  /** Whether something waits for answers, besides the chunks that ask inline. */
  get areOpen(): boolean {
    for (const { inline } of this.#open.values()) if (!inline) return true;
    return false;
  }

  /** A chunk has completed with a question, or asks one inline. */
  add(question: Omit<Question, "raised" | "late">): Question {
    const added = { ...question, raised: false, late: false };
    this.#open.set(question.id, added);
    if (question.inline) this.#inline += 1;
    this.#ended.delete(question.id); // a later attempt asks what an earlier one has left
    return added;
  }

  /** A question is over. @returns it, if it was open */
  close(id: string, end: QuestionEnd): Question | undefined {
    const question = this.#open.get(id);
    if (question === undefined) return undefined;
    this.#open.delete(id);
    if (question.inline) this.#inline -= 1;
    this.#ended.set(id, { ...end, name: question.name });
    return question;
  }

  /** An attempt is over: nobody waits for the answers to what it has asked inline. @returns what was open */
  withdraw(activationId: string): readonly Question[] {
    if (this.#inline === 0) return []; // each chunk that ends comes here
    const left = [...this.#open.values()].filter(
      ({ inline, origin }) => inline && origin.activationId === activationId,
    );
    for (const { id } of left) this.close(id, { how: "withdrawn" });
    return left;
  }

  /** What was to be asked because of something that is taken back is not asked. @returns the lanes that it counted in */
  takeBack(goes: IsTakenBack): readonly string[] {
    const gone = [...this.#open.values()].filter(({ raised, claims }) => !raised && goes(claims));
    for (const { id } of gone) this.#open.delete(id);
    return gone.map(({ origin }) => origin.lane);
  }

  /** Those that the log does not say that people have been asked, though nothing can be taken back. */
  unasked(isOpen: (claims: Claims) => boolean): readonly Question[] {
    return [...this.#open.values()].filter(
      ({ raised, claims }) => !raised && !(claims !== undefined && isOpen(claims)),
    );
  }

  /** Those whose time is over, while the log does not say so. */
  late(): readonly Question[] {
    return [...this.#open.values()].filter((question) => question.late);
  }

  /** What could be taken back and cannot any more. @returns what is to be asked now */
  confirmed(isOpen: (claims: Claims) => boolean): readonly Question[] {
    const firm = [...this.#open.values()].filter(({ claims }) => claims !== undefined && !isOpen(claims));
    for (const question of firm) question.claims = undefined;
    return firm;
  }

  list(): QuestionsData {
    return { open: [...this.#open.values()].map((one) => ({ ...one })), ended: [...this.#ended] };
  }

  restore({ open, ended }: QuestionsData): void {
    for (const one of open) {
      this.#open.set(one.id, { ...one });
      if (one.inline) this.#inline += 1;
    }
    for (const [id, end] of ended) this.#ended.set(id, end);
  }
}

/** Nobody listens to what happens when the time of a question is over. */
export function expiredError({ name, id, expires }: Omit<Asked, "payload">, where: string): SluiceError {
  return new SluiceError("interrupt-expired", {
    what: `Nobody answered "${name}" (${id}) ${expires === undefined ? "in time" : `within ${expires} ms`}`,
    where,
    mend: `Give a chunk @on of its \`expired\`, or people more time`,
    retryable: false,
  });
}

const timerPrefix = "interrupt ";

/** The timer of a question. */
export function timerOfQuestion(id: string): string {
  return `${timerPrefix}${id}`;
}

/** Whether an answer is the one that has been accepted already, delivered once more. */
export function isSameAnswer(end: QuestionEnd, answer: unknown, requestId: string | undefined): boolean {
  return (
    end.how === "answered" && requestId !== undefined && end.requestId === requestId && isSameJson(end.answer, answer)
  );
}

/** How an answered question has ended, by its entry. */
export function endOf({ answer, requestId }: EntryOf<unknown, "interrupt:answered">): QuestionEnd {
  return { how: "answered", answer, requestId };
}
