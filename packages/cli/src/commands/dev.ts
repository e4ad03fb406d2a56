import { relative } from "node:path";
import { type ServerType, serve, upgradeWebSocket } from "@hono/node-server";
import { type Handler, createHandler, socketRoutes } from "@sluice/server";
import { watch } from "chokidar";
import { WebSocketServer } from "ws";
import { Complaint, exitCodes, misused } from "../complaint.ts";
import { failureLines } from "../failure.ts";
import { type FlowFolder, type FolderFlow, readFlowFolder } from "../flows/flow-folder.ts";
import { exampleOf, jsonSchemaOf } from "../flows/json-schema.ts";
import { loadAnew, loadedFiles } from "../loader/loader.ts";
import { paint } from "../terminal/paint.ts";
import { duration } from "../terminal/shown.ts";
import { openStore } from "./attended-run.ts";

/** How flows are served while they are being written. */
export interface DevOptions {
  readonly port?: string;
  readonly store?: string;
  /** Set to false by `--no-log`. */
  readonly log?: boolean;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** Ports that are tried when the usual one is taken. */
const usualPort = 3000;
const portsTried = 20;

/**
 * Serves all flows of a folder on this machine, to everybody on it. When a file changes, executions begin with the new
 * code; those that run go on with theirs. It ends with Ctrl-C.
 *
 * @returns the exit code
 */
export async function devCommand(folder: string, options: DevOptions): Promise<number> {
  const { store: path, log = true, json = false, debug = false } = options;
  const wanted = portOf(options.port);
  const say = (text: string): void => (json ? undefined : console.log(text));
  const report = (event: object): void => (json ? console.log(JSON.stringify(event)) : undefined);
  const tell = ({ flows, troubles }: FlowFolder, url: string): void => {
    for (const { path: file, error } of troubles) console.error(`${file}\n${failureLines(error, { debug })}`);
    report({
      event: "flows",
      url,
      flows: flows.map(({ name, path: file }) => ({ name, file })),
      troubles: troubles.map(({ path: file }) => file),
    });
    say(flowLines(flows, url).join("\n"));
  };

  const found = await readFlowFolder(folder);
  const store = path === undefined ? undefined : openStore(path);
  const handler = createHandler({
    flows: found.flows,
    development: true,
    routes: [socketRoutes(upgradeWebSocket)],
    onError: (error) => console.error(failureLines(error, { debug })),
    ...(store !== undefined && { store }),
  });
  const files = watch([folder], {
    ignored: (file) => /(^|[/\\])(node_modules|\.git|dist)([/\\]|$)|\.db(-wal|-shm)?$/.test(file),
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: 40, pollInterval: 20 },
  });
  files.add([...loadedFiles()]);
  await new Promise<void>((settle) => void files.once("ready", () => settle())); // no change is missed from here on
  files.on("error", (error) => console.error(failureLines(error, { debug })));
  const ended = signalled();
  const { server, port } = await listening(logged(handler, log && !json), wanted);
  const url = `http://127.0.0.1:${port}`;
  say(`${paint.bold("sluice dev")}  ${paint.busy(url)}  ${paint.dim(`${folder}, Ctrl-C ends`)}\n`);
  tell(found, url);
  if (store !== undefined) await recovered(handler, say);

  const changes = new Set<string>();
  let reading: Promise<void> = Promise.resolve();
  const reload = async (): Promise<void> => {
    if (changes.size === 0) return; // it came with the one before
    const changed = [...changes].map((file) => relative("", file)).join(", ");
    changes.clear();
    try {
      loadAnew();
      const anew = await readFlowFolder(folder);
      handler.reload(anew.flows);
      files.add([...loadedFiles()]);
      say(`\n${paint.busy("↻")} ${changed}: executions begin with the new code`);
      tell(anew, url);
    } catch (error) {
      console.error(failureLines(error, { debug }));
    }
  };
  files.on("all", (_, file) => {
    if (!/\.[mc]?[jt]sx?$|\.json$/.test(file)) return;
    changes.add(file);
    reading = reading.then(reload);
  });

  await ended;
  say(paint.dim("closing …"));
  await files.close();
  await handler.close({ graceMs: 500 });
  server.close();
  await store?.close();
  return exitCodes.ok;
}

function portOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const port = Number(given);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw misused(`"${given}" is no port`, "Give --port a number from 0 (any that is free) to 65535");
}

function flowLines(flows: readonly FolderFlow[], url: string): string[] {
  if (flows.length === 0) return [paint.warn("no flow yet: export one, and it is served")];
  return flows.flatMap(({ name, path, schemas }) => [
    `  ${paint.bold(name)}  ${paint.dim(path)}`,
    paint.dim(
      `    curl ${url}/flows/${encodeURIComponent(name)}/executions -H 'content-type: application/json' -d '${JSON.stringify({ input: exampleOf(jsonSchemaOf(schemas.input)) })}'`,
    ),
  ]);
}

type Fetch = (request: Request, bindings?: object) => Promise<Response>;

/** Tells of each request when it is answered. */
function logged(handler: Handler, isTold: boolean): Fetch {
  if (!isTold) return handler;
  return async (request, bindings) => {
    const since = performance.now();
    const response = await handler(request, bindings);
    const { pathname, search } = new URL(request.url);
    const colour = response.status < 400 ? paint.good : paint.bad;
    const took = duration(performance.now() - since);
    console.log(`${colour(String(response.status))} ${request.method} ${pathname}${search} ${paint.dim(took)}`);
    return response;
  };
}

interface Listening {
  readonly server: ServerType;
  readonly port: number;
}

/** Listens on this machine only. @throws Complaint where the port is taken that was asked for */
async function listening(fetch: Fetch, wanted: number | undefined): Promise<Listening> {
  const first = wanted ?? usualPort;
  for (let port = first; ; port += 1) {
    const tried = await listen(fetch, port);
    if (tried !== undefined) return tried;
    if (wanted !== undefined || port >= first + portsTried) {
      throw new Complaint({
        what: `The port ${port} is taken`,
        mend: "Give another one with --port, or 0 for any that is free",
      });
    }
  }
}

function listen(fetch: Fetch, port: number): Promise<Listening | undefined> {
  const websocket = { server: new WebSocketServer({ noServer: true, maxPayload: 2 ** 20 }) };
  return new Promise((settle, reject) => {
    const server = serve({ fetch, websocket, hostname: "127.0.0.1", port }, ({ port: given }) =>
      settle({ server, port: given }),
    );
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? settle(undefined) : reject(error),
    );
  });
}

async function recovered(handler: Handler, say: (text: string) => void): Promise<void> {
  const { executions, refused } = await handler.recover();
  if (executions.length > 0) say(paint.dim(`\n${executions.length} stored executions go on`));
  for (const { executionId, error } of refused) console.error(`${executionId}\n${failureLines(error)}`);
}

function signalled(): Promise<void> {
  return new Promise((settle) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => settle());
  });
}
