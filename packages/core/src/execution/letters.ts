import { SluiceError } from "../error/sluice-error.ts";
import type { Shell } from "../run/shell.ts";
import type { StoredAnswer } from "../store/store.ts";
import type { ReportError } from "../views/view.ts";

/**
 * Answers that were put into the store while nobody had the execution in memory. Each is given as soon as its question is
 * there: that of a child is known again when its chunk has asked for the child again. What cannot be taken is reported, and
 * forgotten.
 */
export class Letters {
  readonly #shell: Shell;
  readonly #report: ReportError;
  #left: readonly StoredAnswer[];

  constructor(shell: Shell, answers: readonly StoredAnswer[], report: ReportError) {
    this.#shell = shell;
    this.#report = report;
    this.#left = answers;
    if (answers.length > 0) shell.standstill.onLook((isWaiting) => this.deliver(isWaiting));
  }

  /** Gives the answers whose questions are there; with `all` the others, too: nothing else will be asked. */
  deliver(all = false): void {
    if (this.#left.length === 0) return;
    const { people } = this.#shell;
    const due = this.#left.filter(({ interrupt }) => all || people.ownerOf(interrupt) !== undefined);
    this.#left = this.#left.filter((one) => !due.includes(one));
    for (const one of due) this.#give(one);
  }

  #give({ interrupt: id, answer, requestId }: StoredAnswer): void {
    const { people, keeper } = this.#shell;
    try {
      people.answer({ id, answer: JSON.parse(answer), ...(requestId !== undefined && { requestId }) });
    } catch (error) {
      this.#report(error instanceof SluiceError ? error : unreadable(id, error, this.#shell.where));
    }
    keeper?.writer.forget(id); // also one that was wrong: it would keep the right one out
  }
}

function unreadable(id: string, cause: unknown, where: string): SluiceError {
  return new SluiceError("answer-invalid", {
    what: `The stored answer to "${id}" is not JSON`,
    where,
    mend: "Give putAnswer() the answer as JSON",
    cause,
  });
}
