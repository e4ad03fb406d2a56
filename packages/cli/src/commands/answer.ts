import type { OpenQuestion } from "@sluice/core";
import { Complaint, exitCodes } from "../complaint.ts";
import { givenValue } from "../flows/given-value.ts";
import { type PlaceOptions, chosenPlace } from "../place/chosen-place.ts";
import { paint } from "../terminal/paint.ts";

/** What is answered. */
export interface AnswerOptions extends PlaceOptions {
  /** The question's id or name. */
  readonly question?: string;
  readonly json?: boolean;
}

/** Answers a question of an execution that waits. @returns the exit code */
export async function answerCommand(
  executionId: string,
  given: string,
  { question: wanted, json = false, ...where }: AnswerOptions,
): Promise<number> {
  const answer = givenValue(given, "the answer");
  const place = chosenPlace(where, { mayWrite: true });
  try {
    const { interrupts, status } = await place.show(executionId);
    const question = chosenQuestion(interrupts, wanted, { executionId, status });
    const becomes = await place.answer(executionId, question.id, answer);
    if (json) console.log(JSON.stringify({ executionId, question: question.id, answer }));
    else {
      const next =
        where.store === undefined
          ? `sluice tail ${executionId} ${place.option}`
          : `sluice run FLOW.ts --resume ${executionId} ${place.option}`;
      console.log(`${paint.good("✓")} "${question.id}" is answered. ${becomes}\n  ${next}`);
    }
    return exitCodes.ok;
  } finally {
    await place.close();
  }
}

function chosenQuestion(
  open: readonly OpenQuestion[],
  wanted: string | undefined,
  { executionId, status }: { readonly executionId: string; readonly status: string },
): OpenQuestion {
  const fitting = open.filter(({ id, name }) => wanted === undefined || id === wanted || name === wanted);
  if (fitting.length === 1 && fitting[0] !== undefined) return fitting[0];
  const ids = open.map(({ id }) => id).join(" | ");
  if (open.length === 0) {
    throw new Complaint({
      what: `The execution is ${status}, and asks nothing`,
      where: executionId,
      mend: "Look at it with `sluice show`",
    });
  }
  throw new Complaint({
    what:
      wanted === undefined ? `The execution asks ${open.length} questions` : `The execution does not ask "${wanted}"`,
    where: executionId,
    mend: `Name one of them: --question ${ids}`,
    exitCode: exitCodes.usage,
  });
}
