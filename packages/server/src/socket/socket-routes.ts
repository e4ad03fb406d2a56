import type { Context } from "hono";
import type { UpgradeWebSocket, WSContext } from "hono/ws";
import { serverCloses } from "../hosting/hosted.ts";
import { Refusal } from "../request/problem.ts";
import type { Routes, Served } from "../routes/served.ts";
import { SocketSession } from "./socket-session.ts";
import { wantedOf } from "../stream/wanted.ts";

/** How sockets are served. */
export interface SocketOptions {
  /** How many entries are sent at most that the client has not acknowledged; it may ask for fewer with `?window=`. @default 256 */
  readonly window?: number;
}

/**
 * The live log of an execution on a WebSocket, both ways: `GET /executions/:id/socket`. Give it the `upgradeWebSocket` of
 * Hono's adapter for the host, such as `@hono/node-server`'s. `docs/server.md` has the messages.
 *
 * A page's script may open a socket to anywhere, and its browser sends cookies along: so pages of other origins than the
 * handler's own and its `origins` are refused.
 */
export function socketRoutes<T>(upgradeWebSocket: UpgradeWebSocket<T>, { window = 256 }: SocketOptions = {}): Routes {
  return (app, served) => {
    app.get("/executions/:id/socket", async (context, next) => {
      if (context.req.header("upgrade")?.toLowerCase() !== "websocket") throw upgradeRequired();
      if (served.closing.aborted) throw serverCloses();
      checkOrigin(context, served);
      const execution = await served.execution(context, "stream");
      const wanted = { ...wantedOf(context.req.query()), window: windowOf(context.req.query("window"), window) };
      const session = new SocketSession(execution, wanted, served, {
        watch: () => served.watch(context),
        allowed: (action) => served.further(context, action),
      });
      return upgradeWebSocket(() => ({
        onOpen: (_event: unknown, socket: WSContext<T>) => session.open(socket),
        onMessage: ({ data }: { readonly data: unknown }) => session.receive(data),
        onClose: () => session.leave(),
        onError: () => session.leave(),
      }))(context, next);
    });
  };
}

function checkOrigin(context: Context, { origins }: Served): void {
  const origin = context.req.header("origin");
  if (origin === undefined || origins.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === context.req.header("host")) return;
  throw new Refusal({
    status: 403,
    code: "origin-forbidden",
    title: "Pages of this origin may open no socket here",
    mend: "Name it in the handler's `origins`",
  });
}

function windowOf(text: string | undefined, most: number): number {
  const window = Number(text ?? most);
  if (Number.isInteger(window) && window >= 1) return Math.min(window, most);
  throw new Refusal({ status: 400, code: "window-invalid", title: "`window` is not a whole number from 1 on" });
}

function upgradeRequired(): Refusal {
  const mend = "Open it as a WebSocket, or read …/stream";
  return new Refusal({ status: 426, code: "upgrade-required", title: "This address is for WebSockets", mend });
}
