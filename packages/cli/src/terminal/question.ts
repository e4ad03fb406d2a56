import { confirm, isCancel, log, note, select, text } from "@clack/prompts";
import type { OpenQuestion, Schema } from "@sluice/core";
import { type JsonSchema, exampleOf, jsonSchemaOf } from "../flows/json-schema.ts";
import { full } from "./shown.ts";

/** What came of asking: an answer; or the question is over; or whoever was asked has pressed Ctrl-C. */
export type Asked = { readonly answer: unknown } | "over" | "left";

/**
 * Asks a question at the terminal, in the way that its answer's schema suggests: yes or no, one of several, a text, or one
 * after the other for the keys of an object.
 *
 * @param schema of the answer; without one it is asked for as JSON
 */
export async function askAtTerminal(
  { name, payload }: OpenQuestion,
  schema: Schema | undefined,
  abortSignal: AbortSignal,
): Promise<Asked> {
  note(readable(payload), name);
  const wanted = schema === undefined ? {} : jsonSchemaOf(schema);
  const answer = await promptFor(wanted, "Your answer", abortSignal);
  if (abortSignal.aborted) return "over";
  return answer === left ? "left" : { answer };
}

/** Says why an answer was not taken. */
export function tellWrongAnswer(message: string): void {
  log.error(full(message));
}

const left = Symbol("left");

async function promptFor(schema: JsonSchema, label: string, signal: AbortSignal): Promise<unknown> {
  const { properties, required = [], type } = schema;
  if (type === "object" && properties !== undefined) {
    const answer: Record<string, unknown> = {};
    for (const [key, part] of Object.entries(properties)) {
      const value = await promptFor(
        required.includes(key) ? part : { ...part, default: part.default ?? none },
        part.description ?? key,
        signal,
      );
      if (value === left) return left;
      if (value !== none) answer[key] = value;
    }
    return answer;
  }
  const message = schema.description ?? label;
  // a prompt hears of its signal even after it has been answered, and would then end its line again
  const open = new AbortController();
  const close = (): void => open.abort();
  signal.addEventListener("abort", close, { once: true });
  try {
    const value = await promptForOne(schema, message, open.signal);
    return isCancel(value) ? left : value;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** Stands for a key that is left out. */
const none = Symbol("none");

function promptForOne(schema: JsonSchema, message: string, signal: AbortSignal): Promise<unknown> {
  const { type, enum: choices, default: usual } = schema;
  const isOptional = usual !== undefined;
  if (type === "boolean") return confirm({ message, signal, initialValue: usual !== false });
  if (choices !== undefined) {
    const options = choices.map((value) => ({ value, label: String(value) }));
    return select<unknown>({ message, signal, options });
  }
  if (type === "string") return orElse(text({ message, signal, ...placeholderOf(usual) }), usual, (given) => given);
  const isNumber = type === "number" || type === "integer";
  const validate = (given: string | undefined): string | undefined =>
    isOptional && !given ? undefined : isNumber ? wrongNumber(given) : wrongJson(given);
  const example = isNumber || schema.type === undefined ? {} : { placeholder: JSON.stringify(exampleOf(schema)) };
  const asked = text({ message: isNumber ? message : `${message} (JSON)`, signal, validate, ...example });
  return orElse(asked, usual, (given): unknown => (isNumber ? Number(given) : JSON.parse(given)));
}

async function orElse(
  asked: Promise<string | symbol>,
  usual: unknown,
  read: (text: string) => unknown,
): Promise<unknown> {
  const given = (await asked) as string | symbol | undefined; // clack gives nothing for an empty line
  if (typeof given === "symbol") return given;
  return (given ?? "") === "" && usual !== undefined ? usual : read(given ?? "");
}

function placeholderOf(usual: unknown): { readonly placeholder?: string } {
  return typeof usual === "string" ? { placeholder: usual } : usual === none ? { placeholder: "Enter: nothing" } : {};
}

function wrongNumber(given: string | undefined): string | undefined {
  return (given ?? "").trim() === "" || !Number.isFinite(Number(given)) ? "A number, please" : undefined;
}

function wrongJson(given: string | undefined): string | undefined {
  try {
    JSON.parse(given ?? "");
    return undefined;
  } catch {
    return 'JSON, please: text in quotes, such as "yes"';
  }
}

/** What is asked, for people: an object as a line a key. */
function readable(payload: unknown): string {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return full(payload);
  return Object.entries(payload)
    .map(([key, value]) => `${key}: ${full(value)}`)
    .join("\n");
}
