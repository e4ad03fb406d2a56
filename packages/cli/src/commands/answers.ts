import { type OpenQuestion, type Schema, SluiceError } from "@sluice/core";
import { misused } from "../complaint.ts";
import { givenValue } from "../flows/given-value.ts";
import { type Asked, askAtTerminal, tellWrongAnswer } from "../terminal/question.ts";

/** Where answers come from: first those that were given with the command, then whoever is at the terminal. */
export class Answers {
  /** By the id or the name of the question; several to one name are given in turn. */
  readonly #given = new Map<string, unknown[]>();
  readonly #isAttended: boolean;

  /** @param given `approval={"approved":true}` each @throws Complaint */
  constructor(given: readonly string[], isAttended: boolean) {
    this.#isAttended = isAttended;
    for (const one of given) {
      const at = one.indexOf("=");
      if (at < 1)
        throw misused(
          `"${one}" is no answer`,
          `Write the question's name before it: --answer 'approval={"approved":true}'`,
        );
      const name = one.slice(0, at);
      this.#given.set(name, [...(this.#given.get(name) ?? []), givenValue(one.slice(at + 1), "--answer")]);
    }
  }

  /** Whether an answer was given beforehand. */
  has(question: OpenQuestion): boolean {
    return this.#prepared(question) !== undefined;
  }

  #prepared({ id, name }: OpenQuestion): unknown[] | undefined {
    return [this.#given.get(id), this.#given.get(name)].find((list) => list !== undefined && list.length > 0);
  }

  /**
   * Answers a question.
   *
   * @param give takes the answer, or throws `answer-invalid`: then it is asked for again
   * @returns false where nobody can answer; "left" where whoever was asked has pressed Ctrl-C
   */
  async answer(
    question: OpenQuestion,
    schema: Schema | undefined,
    give: (answer: unknown) => void,
    abortSignal: AbortSignal,
  ): Promise<boolean | "left"> {
    const prepared = this.#prepared(question);
    if (prepared !== undefined) {
      give(prepared.shift());
      return true;
    }
    if (!this.#isAttended) return false;
    for (;;) {
      const asked: Asked = await askAtTerminal(question, schema, abortSignal);
      if (asked === "left") return "left";
      if (asked === "over") return true;
      try {
        give(asked.answer);
        return true;
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== "answer-invalid") throw error;
        tellWrongAnswer(error.what);
      }
    }
  }
}
