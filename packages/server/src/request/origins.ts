import { SluiceError } from "@sluice/core";
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

/**
 * Lets pages of these origins call the handler from a browser: with headers, without cookies. Pages of all others can send
 * nothing that a handler takes, and read nothing that it answers.
 *
 * @throws SluiceError `option-invalid` for what is no origin: one that never fits would look like one that does
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  for (const origin of origins) if (!isOrigin(origin)) throw noOrigin(origin);
  return cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "POST"],
    allowHeaders: ["content-type", "authorization", "last-event-id"],
    exposeHeaders: [
      "location",
      "retry-after",
      "ratelimit",
      "ratelimit-policy",
      "x-workflow-run-id",
      "x-workflow-stream-tail-index",
    ],
  });
}

/** Also of pages that did not come over HTTP, such as `capacitor://localhost`, for which URLs know no origin. */
const otherOrigin = /^[a-z][a-z\d+.-]*:\/\/[\w.-]+$/;

function isOrigin(text: string): boolean {
  if (text.includes("*") || !URL.canParse(text)) return false;
  const { origin } = new URL(text);
  return origin === text || (origin === "null" && otherOrigin.test(text));
}

function noOrigin(origin: string): SluiceError {
  return new SluiceError("option-invalid", {
    what: `"${origin}" is no origin`,
    where: "createHandler.origins",
    mend: "Name each origin as browsers send it, such as https://app.example: no *, no null, nothing behind the host and port",
  });
}
