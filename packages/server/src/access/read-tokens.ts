import { SluiceError } from "@sluice/core";
import { sign, verify } from "hono/jwt";
import type { SchedulerLike } from "rxjs";
import { Refusal } from "../request/problem.ts";

/** How read tokens are made. */
export interface TokenOptions {
  /**
   * Signs the tokens: at least 32 bytes, from the environment or where secrets are kept. Of several the first signs and all
   * are known, so that one can take another's place without a token being lost.
   */
  readonly secret: string | readonly string[];
  /** How long a token is good for. @default 3_600_000 (an hour) */
  readonly expiresInMs?: number;
}

/** Lets whoever has it look at one execution and watch it, and do nothing else. */
export interface ReadToken {
  readonly token: string;
  /** When it is good for nothing any more, in Unix milliseconds. */
  readonly expiresAt: number;
}

/** The read tokens of a handler. */
export interface ReadTokens {
  readonly give: (executionId: string) => Promise<ReadToken>;
  /** Looks at a token that came with a request for an execution. @returns its `expiresAt`. @throws Refusal 401, 403 */
  readonly check: (token: string, executionId: string) => Promise<number>;
}

/** Says what a token is for: no other that was signed with the same secret is taken for one. */
const audience = "sluice:read";
const leastBytes = 32;

/**
 * Signed read tokens (JWT, HS256).
 *
 * @param scheduler the clock
 * @throws SluiceError `option-invalid` for a secret that is too short, or a time that is none
 * @see RFC 7519, JSON Web Token; RFC 8725, its best current practices
 */
export function readTokens({ secret, expiresInMs = 3_600_000 }: TokenOptions, scheduler: SchedulerLike): ReadTokens {
  const secrets = [secret].flat();
  const [first = ""] = secrets;
  checkSecrets(secrets);
  if (!(expiresInMs > 0 && Number.isFinite(expiresInMs))) throw badTime(expiresInMs);
  return {
    give: async (executionId) => {
      const expiresAt = scheduler.now() + expiresInMs;
      const claims = { aud: audience, sub: executionId, exp: expiresAt / 1_000 };
      return { token: await sign(claims, first, "HS256"), expiresAt };
    },
    check: async (token, executionId) => {
      const { sub, exp } = await claimsOf(token, secrets);
      if (typeof exp !== "number" || typeof sub !== "string") throw notOurs();
      const expiresAt = Math.round(exp * 1_000);
      if (expiresAt <= scheduler.now()) throw expired();
      if (sub !== executionId) throw foreign();
      return expiresAt;
    },
  };
}

/** What a token says that one of the secrets has signed. Its time is looked at by whoever has the clock. */
async function claimsOf(token: string, secrets: readonly string[]) {
  for (const secret of secrets) {
    try {
      return await verify(token, secret, { alg: "HS256", aud: audience, exp: false, nbf: false, iat: false });
    } catch {
      continue; // what is wrong with it holds the token, and is told to nobody
    }
  }
  throw notOurs();
}

function checkSecrets(secrets: readonly string[]): void {
  const least = Math.min(...secrets.map((one) => new TextEncoder().encode(one).byteLength));
  if (secrets.length > 0 && least >= leastBytes) return;
  throw new SluiceError("option-invalid", {
    what:
      secrets.length === 0
        ? "Tokens have no secret"
        : `A secret of tokens has ${least} bytes; ${leastBytes} are the least`,
    where: "createHandler.tokens.secret",
    mend: "Make one with `openssl rand -base64 32`, and give it to the process in its environment",
  });
}

function badTime(expiresInMs: number): SluiceError {
  return new SluiceError("option-invalid", {
    what: `Tokens are to be good for ${expiresInMs} ms`,
    where: "createHandler.tokens.expiresInMs",
    mend: "Give a number of milliseconds above 0",
  });
}

function notOurs(): Refusal {
  return unauthorised(
    "token-invalid",
    "The token is none of this server's",
    "Get one from who has started the execution",
  );
}

function expired(): Refusal {
  return unauthorised("token-expired", "The token's time is over", "Get a new one");
}

function unauthorised(code: string, title: string, mend: string): Refusal {
  return new Refusal({ status: 401, code, title, mend }, { "www-authenticate": 'Bearer error="invalid_token"' });
}

function foreign(): Refusal {
  const title = "The token is for another execution";
  return new Refusal({ status: 403, code: "token-foreign", title, mend: "Get one for this execution" });
}
