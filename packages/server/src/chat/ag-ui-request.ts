import { type RunAgentInput, omitOptionalNulls } from "@ag-ui/core";
import { type BodyLimits, jsonBody } from "../request/json-body.ts";
import { Refusal } from "../request/problem.ts";

/** What a client of AG-UI asks for. Nobody has checked who wrote its messages. */
export interface AgUiRequest extends RunAgentInput {
  /** The text of the user's last message; empty where there is none. */
  readonly text: string;
}

/** An answer to a question, or that there will be none. */
export interface AgUiAnswer {
  readonly executionId: string;
  /** The question's id. */
  readonly question: string;
  readonly isAbandoned: boolean;
  readonly answer: unknown;
}

/** Reads what a client of AG-UI sends. @throws Refusal 400, 413, 415 */
export async function agUiRequest(request: Request, limits: BodyLimits): Promise<AgUiRequest> {
  const body = await jsonBody(request, limits);
  const { RunAgentInputSchema } = await import("@ag-ui/core/schemas"); // large: for those only who need it
  const { data, error } = RunAgentInputSchema.safeParse(omitOptionalNulls(body, "RunAgentInput"));
  if (data !== undefined) return { ...data, text: textOf(data.messages) };
  const issue = error.issues[0];
  throw new Refusal({
    status: 400,
    code: "run-input-invalid",
    title: `The body is no RunAgentInput: ${issue?.path.join(".")}: ${issue?.message}`,
    mend: "Send what @ag-ui/client's HttpAgent sends",
  });
}

/** The answers of a request: their interrupts are named `execution:question`. */
export function answersOf({ resume = [] }: RunAgentInput): readonly AgUiAnswer[] {
  return resume.map(({ interruptId, status, payload }) => {
    const colon = interruptId.indexOf(":");
    return {
      executionId: interruptId.slice(0, Math.max(0, colon)),
      question: interruptId.slice(colon + 1),
      isAbandoned: status === "cancelled",
      answer: payload as unknown,
    };
  });
}

function textOf(messages: RunAgentInput["messages"]): string {
  const last = messages.findLast(({ role }) => role === "user");
  const content = last?.role === "user" ? last.content : "";
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
