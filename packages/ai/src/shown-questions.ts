import type { Entry } from "@sluice/core";
import type { UIMessageChunk } from "ai";
import type { Author } from "./authors.ts";
import { plain } from "./plain.ts";
import type { ShownParts } from "./shown-parts.ts";

/**
 * How a question to people is shown: as a tool whose output is the answer (`addToolOutput` of the client), as a tool that
 * wants to be approved (`addToolApprovalResponse`; the answer is `{ approved, reason? }`), or not at all.
 */
export type QuestionShow = "tool" | "approval" | "none";

/** A question, for whoever chooses how it is shown. */
export interface ShownQuestion {
  readonly name: string;
  readonly payload: unknown;
}

type QuestionEntry = Extract<Entry, { readonly type: "interrupt:raised" | "interrupt:answered" | "interrupt:expired" }>;

/** One that waits for its answer. */
interface Open {
  readonly by: Author;
  readonly isApproval: boolean;
  /** All that has been told of it. */
  readonly told: UIMessageChunk[];
}

/** The questions of a flow to people, as parts of a message: tools by the question's name, whose id is the execution's and the question's: `e1:approval@a2`. */
export class ShownQuestions {
  readonly #parts: ShownParts;
  readonly #show: (question: ShownQuestion) => QuestionShow;
  readonly #open = new Map<string, Open>();

  constructor(parts: ShownParts, show: (question: ShownQuestion) => QuestionShow = () => "tool") {
    this.#parts = parts;
    this.#show = show;
  }

  /** Whether an entry is told here. */
  static knows(entry: Entry): entry is QuestionEntry {
    return entry.type.startsWith("interrupt:");
  }

  note(entry: QuestionEntry, by: Author): UIMessageChunk[] {
    const id = `${entry.executionId}:${entry.interrupt.id}`; // a chat has many executions, and one list of tools
    if (entry.type === "interrupt:raised") return this.#ask(id, entry.interrupt, by);
    const open = this.#open.get(id);
    if (open === undefined) return [];
    this.#open.delete(id);
    if (entry.type === "interrupt:expired") return this.#tell(id, open, [failed(id, "Nobody answered in time")]);
    return this.#tell(id, open, open.isApproval ? decided(id, entry.answer) : [answered(id, entry.answer)]);
  }

  /** Forgets the questions that are void. */
  forgetVoid(): void {
    for (const [id, { by }] of this.#open) if (by.isVoid) this.#open.delete(id);
  }

  /** Ends those that nobody will answer any more. */
  endAll(): UIMessageChunk[] {
    const open = [...this.#open];
    this.#open.clear();
    return open.flatMap(([id, one]) => this.#tell(id, one, [failed(id, "The question was withdrawn")]));
  }

  #ask(id: string, { name, payload }: ShownQuestion, by: Author): UIMessageChunk[] {
    const show = this.#show({ name, payload });
    if (show === "none") return [];
    const open: Open = { by, isApproval: show === "approval", told: [] };
    this.#open.set(id, open);
    const input: UIMessageChunk = {
      type: "tool-input-available",
      toolCallId: id,
      toolName: name,
      input: plain(payload),
    };
    const request: UIMessageChunk = { type: "tool-approval-request", approvalId: id, toolCallId: id };
    return this.#tell(id, open, open.isApproval ? [input, request] : [input]);
  }

  #tell(id: string, { by, told }: Open, more: readonly UIMessageChunk[]): UIMessageChunk[] {
    return more.flatMap((chunk) => {
      told.push(chunk);
      return this.#parts.tellMore(chunk, told, by, `question ${id}`);
    });
  }
}

// What is settled is the flow's own call: clients that send answers by themselves have nothing more to send.
const settled = { providerExecuted: true } as const;

function answered(toolCallId: string, answer: unknown): UIMessageChunk {
  return { type: "tool-output-available", toolCallId, output: plain(answer), ...settled };
}

function failed(toolCallId: string, errorText: string): UIMessageChunk {
  return { type: "tool-output-error", toolCallId, errorText, ...settled };
}

function decided(id: string, answer: unknown): UIMessageChunk[] {
  const { approved = answer === true, reason } = Object(answer) as {
    readonly approved?: unknown;
    readonly reason?: unknown;
  };
  const response: UIMessageChunk = {
    type: "tool-approval-response",
    approvalId: id,
    approved: approved === true,
    ...(typeof reason === "string" && { reason }),
    ...settled,
  };
  const outcome = approved === true ? answered(id, answer) : ({ type: "tool-output-denied", toolCallId: id } as const);
  return [response, outcome];
}
