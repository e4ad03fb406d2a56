// What goes over the wire: the answers of the routes.
import { z } from "zod";

/** Where an execution can stand. */
export const Status = z.enum(["running", "waiting", "completed", "failed", "timeout", "cancelled"]);

const Position = z.string().meta({
  description: "A place in the log: `12` for an entry that is stored, `12.3` for a live one between two of them",
});

export const Flows = z.object({ flows: z.array(z.string()) });

/** An execution as a list tells of it. */
export const Listed = z
  .object({ executionId: z.string(), flow: z.string(), status: Status })
  .meta({ id: "ListedExecution" });

export const Executions = z.object({ executions: z.array(Listed) });

export const Started = Listed.meta({ id: "StartedExecution" });

/** A question that somebody is to answer. */
export const Question = z
  .object({
    id: z.string(),
    name: z.string(),
    payload: z.unknown(),
    path: z.array(z.string()).readonly().meta({ description: "The flow that asks: the execution's, or a child's" }),
    chunk: z.string(),
  })
  .meta({ id: "Question" });

/** What an execution failed with. */
export const Failure = z
  .object({ name: z.string(), message: z.string(), code: z.string().optional() })
  .meta({ id: "Failure" });

/** How an execution stands, and what it came to. */
export const Standing = z
  .object({
    executionId: z.string(),
    flow: z.string(),
    status: Status,
    position: Position,
    state: z.record(z.string(), z.unknown()),
    interrupts: z.array(Question),
    result: z.unknown().optional().meta({ description: "Where it has completed" }),
    error: Failure.optional().meta({ description: "Where it has failed, was cancelled, or ran out of time" }),
  })
  .meta({ id: "Execution" });

export const SignalSent = z.object({ signal: z.string().meta({ description: "The id of the signal in the log" }) });

export const Cancelled = z.object({ status: Status });

/** Leave to read one execution and to watch it. */
export const Token = z
  .object({ token: z.string(), expiresAt: z.int().meta({ description: "In Unix milliseconds" }) })
  .meta({ id: "ReadToken" });

/** Why a request is refused. @see RFC 9457 */
export const Problem = z
  .object({
    type: z.string(),
    status: z.int(),
    code: z.string().meta({ description: "A word for programs" }),
    title: z.string().meta({ description: "What is wrong, in a sentence" }),
    mend: z.string().optional().meta({ description: "How to mend it, where the client can" }),
  })
  .meta({ id: "Problem" });

/** What asks for an execution to be cancelled. */
export const Cancel = z.object({
  reason: z.string().optional(),
  rollback: z.boolean().optional().meta({ description: "Undo what was completed" }),
});
