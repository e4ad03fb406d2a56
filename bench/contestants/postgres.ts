import { type StdioOptions, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { Absent } from "./durable.ts";

/** A server that nobody else uses. */
export interface Postgres {
  /** Without a database. */
  readonly url: string;
  readonly version: string;
  readonly close: () => Promise<void>;
}

/** Who a process runs as. PostgreSQL refuses to run as root. */
type User = { readonly uid: number; readonly gid: number } | undefined;

/**
 * Starts PostgreSQL on a free port, with its data in a folder. It commits to the disk, and ends with this process at the
 * latest.
 *
 * @param peer who needs it
 * @throws Absent where there is none, or it cannot be started
 */
export async function startPostgres(peer: string, folder: string): Promise<Postgres> {
  const bin = binaries(peer);
  const user = unprivileged(peer);
  const data = join(folder, "data");
  await mkdir(data);
  await chmod(folder, 0o755); // the user has to get through it
  if (user !== undefined) await chown(data, user.uid, user.gid);
  const env = { ...process.env, LC_ALL: "C" };
  const how = { ...user, cwd: data, env };
  try {
    const stdio: StdioOptions = ["ignore", "ignore", "pipe"];
    execFileSync(join(bin, "initdb"), ["-D", data, "-U", "bench", "--auth=trust", "--encoding=UTF8"], {
      ...how,
      stdio,
    });
  } catch (error) {
    throw new Absent(`${peer} is not there, because \`initdb\` failed: ${String(error)}.`);
  }
  const port = await freePort();
  const settings = [
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${data}`,
    "fsync=on",
    "synchronous_commit=on",
  ];
  const server = spawn(
    join(bin, "postgres"),
    ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
    { ...how, stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = new Promise<void>((resolve) => {
    server.once("exit", () => resolve());
    server.once("error", () => resolve());
  });
  const stop = (): boolean => server.kill("SIGINT"); // without waiting for those who are connected
  process.once("exit", stop);
  await ready(peer, server.stderr, ended);
  return {
    url: `postgresql://bench@127.0.0.1:${port}`,
    version: /[\d.]+/.exec(execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" }))?.[0] ?? "",
    close: async () => {
      stop();
      await ended;
      process.off("exit", stop);
    },
  };
}

/** The folder of its programs: one on the path, or the newest where Debian puts them. */
function binaries(peer: string): string {
  const debian = "/usr/lib/postgresql";
  const installed = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    ...installed.map((version) => join(debian, version, "bin")),
  ];
  const found = folders.find((folder) => ["initdb", "postgres"].every((program) => existsSync(join(folder, program))));
  if (found === undefined) throw new Absent(`${peer} is not there, because PostgreSQL is not installed.`);
  return found;
}

function unprivileged(peer: string): User {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (which: "-u" | "-g"): number =>
    Number(execFileSync("id", [which, "postgres"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  try {
    return { uid: idOf("-u"), gid: idOf("-g") };
  } catch {
    throw new Absent(`${peer} is not there, because root cannot run PostgreSQL, and there is no user postgres.`);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

/** @throws Absent with what it has said, when it ends before it is ready. */
async function ready(peer: string, stderr: NodeJS.ReadableStream, ended: Promise<void>): Promise<void> {
  let said = "";
  const isReady = new Promise<true>((resolve) => {
    stderr.on("data", (data: Buffer) => {
      said += data.toString();
      if (said.includes("ready to accept connections")) resolve(true);
    });
  });
  if ((await Promise.race([isReady, ended])) === true) return;
  throw new Absent(`${peer} is not there, because PostgreSQL does not start: ${said.replaceAll("\n", " ")}`);
}
