import { type FieldIssue, type FieldIssueAt, issuePath } from "../schema/field-issue.ts";

/** What was wrong with a reply when it was last read. */
export interface ReplyIssues {
  /** The same in each attempt of its chunk. */
  readonly replyId: string;
  /** The attempt that read it. */
  readonly attempt: number;
  /** In the order of reading. At most 100 issues, each said once: what holds an invalid value has its issues, too. */
  readonly issues: readonly FieldIssueAt[];
}

/** A reply that could not be read, or did not fit its schema as a whole. */
export interface InvalidReply {
  readonly replyId: string;
  readonly whole: FieldIssueAt;
}

const maxIssues = 100;

/** Nothing was ever wrong. */
export const noIssues: readonly ReplyIssues[] = [];

/** Adds what is wrong at one place of a reply. What an attempt before has left of this reply gives way to it. */
export function withIssue(
  known: readonly ReplyIssues[],
  replyId: string,
  attempt: number,
  at: FieldIssueAt,
): readonly ReplyIssues[] {
  const before = known.find((one) => one.replyId === replyId && one.attempt === attempt)?.issues ?? [];
  const said = new Set(before.flatMap(({ path, issues }) => issues.map((issue) => keyOf(path, issue))));
  const issues = at.issues.filter((issue) => !said.has(keyOf(at.path, issue))).slice(0, maxIssues - said.size);
  if (issues.length === 0) return known;
  return [...withoutReply(known, replyId), { replyId, attempt, issues: [...before, { ...at, issues }] }];
}

/** A reply is complete and valid: nothing is wrong with it any more. */
export function withoutReply(known: readonly ReplyIssues[], replyId: string): readonly ReplyIssues[] {
  return known.filter((one) => one.replyId !== replyId);
}

function keyOf(path: string, issue: FieldIssue): string {
  return `${issuePath(issue, path)} ${issue.message}`;
}
