import type { OpenOptions } from "../define/context.ts";
import type { Instant } from "../define/instant.ts";
import type { TokenSource } from "../define/token-source.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import { invalidField, invalidWhole } from "../instant/invalid-field.ts";
import { readReply } from "../instant/reply-reader.ts";
import type { EntryDraft } from "../machine/entry.ts";
import { isSameJson } from "../machine/same-json.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { type ReplyOrigin, deltaDraft, fieldDraft, openedDraft } from "./reply-draft.ts";
import { readTokens } from "./token-reading.ts";

/** A reply that is opened. */
interface Opening extends OpenOptions {
  readonly reply: Instant;
  readonly source: TokenSource;
  /** Whether another attempt reads another reply: it belongs to one generation. @default false */
  readonly once?: boolean;
}

/**
 * Reads a structured reply. Every value in it becomes an entry: durable where a chunk listens to its completion, live
 * otherwise, whoever watches.
 *
 * @returns the whole reply, as its schema puts it out; where it is stoppable, with whether it was stopped
 */
export function readInstant(
  host: Host,
  attempt: Attempt,
  { reply, source, stoppable = false, once = false }: Opening,
): Promise<unknown> {
  const { name, schema, options } = reply;
  const { routes } = host.machine;
  const replyId = attempt.replyId(name, once);
  const outcome = (value: unknown, stopped: boolean): unknown => (stoppable ? { stopped, value } : value);
  const kept = host.machine.kept(replyId);
  if (kept !== undefined) return Promise.resolve(outcome(kept.value, kept.stopped));
  const from: ReplyOrigin = { attempt, reply: name, replyId };
  const told = attempt.activation.issues.find((one) => one.replyId === replyId)?.issues;
  let refused: SluiceError | undefined;
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
      complete(path, indexes, value, raw) {
        const isRewritten = attempt.number > 1 && routes.invalid(name, path).length > 0;
        const heard = isRewritten || routes.field(name, path).length > 0 || routes.closers(name, path).length > 0;
        const draft = fieldDraft(from, path, indexes, value);
        append(heard && !isSameJson(value, raw) ? Object.assign(draft, { raw }) : draft, !heard);
      },
      invalid(path, indexes, issues, raw) {
        const origin = { ...attempt.origin(), reply: name, replyId };
        append({ type: "field:invalid", ...origin, field: path, indexes, issues, raw });
        if ((options.onInvalid ?? "report") === "report") return;
        refused = invalidField(name, path, issues, attempt.where);
        throw refused;
      },
    },
  });
  const asked = options.multi === true ? {} : { reply: { name, schema } };
  return readTokens<unknown>(host, attempt, source, {
    request: { ...asked, ...(told !== undefined && { issues: told }) },
    replyId,
    push: (text) => reader.push(text),
    end: async () => {
      const { value, repairs } = await reader.end();
      const mended = repairs.length > 0 && { repairs };
      if (stoppable && attempt.stops?.delete(replyId) !== true) return undefined; // it has been stopped meanwhile
      append({ type: "reply:complete", ...attempt.origin(), reply: name, replyId, value, ...mended });
      if (host.keeper !== undefined) await host.keeper.safe();
      return outcome(value, false);
    },
    opened({ leave, resolve }) {
      if (!stoppable) return;
      (attempt.stops ??= new Map()).set(replyId, (reason: string) => {
        attempt.stops?.delete(replyId);
        const tokensSaved = leave();
        const value = reader.complete;
        const saved = tokensSaved !== undefined && { tokensSaved };
        append({ type: "reply:stopped", ...attempt.origin(), reply: name, replyId, value, reason, ...saved });
        host.whenSafe(() => resolve(outcome(value, true))); // also where it cannot be stored: nothing is left pending
      });
    },
    failed(error) {
      if (stoppable) attempt.stops?.set(replyId, () => {}); // nothing is left to be stopped
      const whole = refused === undefined ? invalidWhole(error, reader.partial) : undefined;
      if (whole !== undefined) (attempt.replies ??= []).push({ replyId, whole });
      if (refused !== undefined && options.onInvalid === "abort") host.fail(attempt, refused);
    },
  });
}
