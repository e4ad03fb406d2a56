import { type FieldIssue, type FieldIssueAt, type ModelRequest, issuePath } from "@sluice/core";
import type { ModelMessage } from "ai";

/** What a model is asked, in one of the two ways that the AI SDK has. */
type Asking = { readonly prompt: string } | { readonly messages: ModelMessage[] };

/** Most issues that a model is told, and most characters of a value that it wrote. */
const [maxIssues, maxChars] = [20, 200];

/** The question, and behind it, in the words of a user, what was wrong with the reply before. */
export function withIssues(asking: Asking, issues: ModelRequest["issues"]): Asking {
  if (issues === undefined) return asking;
  const correction = correctionOf(issues);
  if ("prompt" in asking) return { prompt: `${asking.prompt}\n\n${correction}` };
  return { messages: [...asking.messages, { role: "user", content: correction }] };
}

function correctionOf(issues: readonly FieldIssueAt[]): string {
  const lines = issues.flatMap((at) => at.issues.map((issue) => lineOf(issue, at)));
  const more = lines.length > maxIssues ? [`- and ${lines.length - maxIssues} more of the kind`] : [];
  return [
    "Your last reply to this could not be used:",
    ...lines.slice(0, maxIssues),
    ...more,
    "Write the whole reply again, with this put right.",
  ].join("\n");
}

/** `- items[2].price: Invalid input: expected number, received string. You wrote "nine"`. */
function lineOf(issue: FieldIssue, { path, raw }: FieldIssueAt): string {
  const place = issuePath(issue, path);
  const value = JSON.stringify(valueAt(raw, issue.path)) ?? "";
  const shown = value.length > maxChars ? `${value.slice(0, maxChars - 1)}…` : value;
  const wrote = shown === "" || issue.message.includes(shown) ? "" : `. You wrote ${shown}`;
  return `- ${place === "" ? "the whole" : place}: ${issue.message}${wrote}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((found, key) => {
    const isThere = typeof found === "object" && found !== null && Object.hasOwn(found, key);
    return isThere ? Reflect.get(found, key) : undefined;
  }, value);
}
