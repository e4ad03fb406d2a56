import type { Instant } from "../define/instant.ts";
import type { TokenSource } from "../define/token-source.ts";
import { invalidField } from "../instant/invalid-field.ts";
import { readReply } from "../instant/reply-reader.ts";
import type { EntryDraft } from "../machine/entry.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { type ReplyOrigin, deltaDraft, fieldDraft, openedDraft } from "./reply-draft.ts";
import { readTokens } from "./token-reading.ts";

/**
 * Reads a structured reply. Every value in it becomes an entry: durable where a chunk listens to its completion, live
 * otherwise, whoever watches.
 *
 * @returns the whole reply, as its schema puts it out
 */
export function readInstant(host: Host, attempt: Attempt, reply: Instant, source: TokenSource): Promise<never> {
  const { name, schema, options } = reply;
  const { routes } = host;
  const replyId = attempt.replyId(name);
  const from: ReplyOrigin = { attempt, reply: name, replyId };
  /** Who listens to the pieces of the string that is open: they are looked for once a string. */
  let deltas: { readonly path: string; readonly listeners: ReturnType<typeof routes.live> } | undefined;
  // an observer of one field may end the attempt, while the text has more of them
  const append = (draft: EntryDraft, live = false): void => {
    if (!attempt.ended) host.append(draft, live);
  };
  const reader = readReply(schema, {
    strict: options.strict,
    guess: options.guess,
    limits: options.limits,
    multi: options.multi,
    where: attempt.where,
    listener: {
      opened(path, indexes, kind) {
        append(openedDraft(from, path, indexes, kind), true);
        const listeners = routes.live("opened", name, path);
        if (listeners.length > 0 && !attempt.ended)
          host.startLive(attempt, listeners, { path, indexes }, { path, indexes });
      },
      delta(path, indexes, text) {
        append(deltaDraft(from, path, indexes, text), true);
        if (deltas?.path !== path) deltas = { path, listeners: routes.live("delta", name, path) };
        const { listeners } = deltas;
        if (listeners.length > 0 && !attempt.ended) host.startLive(attempt, listeners, text, { path, indexes });
      },
      complete(path, indexes, value) {
        const heard = routes.field(name, path).length > 0 || routes.closers(name, path).length > 0;
        append(fieldDraft(from, path, indexes, value), !heard);
      },
      invalid(path, indexes, issues) {
        append({ type: "field:invalid", ...attempt.origin(), reply: name, replyId, field: path, indexes, issues });
        if (options.onInvalid === "fail") throw invalidField(name, path, issues, attempt.where);
      },
    },
  });
  return readTokens(host, attempt, source, {
    request: options.multi === true ? {} : { reply: { name, schema } },
    push: (text) => reader.push(text),
    end: async () => {
      const { value, repairs } = await reader.end();
      const mended = repairs.length > 0 && { repairs };
      append({ type: "reply:complete", ...attempt.origin(), reply: name, replyId, value, ...mended });
      return value as never; // the schema's output, which the caller's type names
    },
  });
}
