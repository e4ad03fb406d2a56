import { SluiceError } from "../error/sluice-error.ts";
import type { OpenReply } from "../machine/replies.ts";
import type { Attempt } from "./attempt.ts";

/**
 * Ends the generation of a reply that an attempt follows from. Does nothing when it is over already, or has broken off and
 * is not read again yet.
 *
 * @param open the reply, where it is open
 * @param reader the attempt that reads it
 * @throws SluiceError `reply-not-stoppable`
 */
export function stopReply(
  { activation, where, chunk }: Attempt,
  reply: string,
  open: OpenReply | undefined,
  reader: Attempt | undefined,
): void {
  if (open === undefined && activation.arrival.claims !== undefined) return;
  if (open !== undefined && reader?.opened?.has(open.id) !== true) return; // between two attempts nothing is generated
  const stop = open && reader?.stops?.get(open.id);
  if (stop === undefined) throw notStoppable(reply, where, open !== undefined);
  stop(`stopped by ${chunk.name}`);
}

function notStoppable(reply: string, where: string, isOpen: boolean): SluiceError {
  return new SluiceError("reply-not-stoppable", {
    what: isOpen
      ? `ctx.stop was called for the reply "${reply}", which was not opened as stoppable`
      : `ctx.stop was called for the reply "${reply}", which this chunk does not follow from`,
    where,
    mend: isOpen
      ? `Open it with ctx.instant(…, …, { stoppable: true })`
      : "Call it in a chunk that a field of that reply has triggered, or what such a chunk returned",
    retryable: false,
  });
}
