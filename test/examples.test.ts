// The examples, run as users run them: a process each, real files, the tiny model.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entry } from "@sluice/core";
import { describe, expect, test } from "vitest";
import { exampleFiles, runExample } from "../scripts/run-examples.ts";
import { outputs } from "./example-outputs.ts";

const triage = (args: readonly string[], options?: { input?: string; env?: Record<string, string> }) =>
  runExample("support-triage.ts", args, options);
const ticket = "examples/tickets/01-invoice.txt";

describe.concurrent("examples", () => {
  const varying = ["research-and-write.ts", "router-with-fallback.ts", "stop-early.ts"]; // in model-examples.test.ts
  const known = [...outputs.map(([file]) => file), ...varying];

  test.each(exampleFiles().filter((file) => !known.includes(file)))("%s runs to its end", async (file) => {
    const { status, stdout, stderr } = await runExample(file);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).not.toBe("");
  });

  test.each(outputs)("%s: %s", async (file, _behaviour, output) => {
    expect(await runExample(file)).toEqual({ status: 0, stdout: output.slice(1), stderr: "" });
  });
});

describe("approval", () => {
  test("H1 each process goes on with what the one before has left", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-"));
    const answered = (input: string) => runExample("approval.ts", ["--file", join(folder, "a.db")], { input });
    const first = await answered("It waits.\n");
    expect(first.stdout).toContain("a draft is being written");
    expect(first.stdout).toContain("To go on with it, run this again:");
    const second = await answered("n\n");
    const third = await answered("Hello.\ny\n");
    rmSync(folder, { recursive: true });
    expect(second.stdout + third.stdout).not.toContain("a draft is being written");
    expect(second.stdout).toContain('"Dear Ann, your parcel has arrived. It waits." Is it to be posted?');
    expect(third.stdout).toContain("{ draft: 'Dear Ann, your parcel has arrived.', feedback: 'Hello.' }");
    expect(third.stdout).toContain("letters posted: 1");
    expect([first, second, third].map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      [1, 2, 3].map(() => ({ status: 0, stderr: "" })),
    );
  });
});

describe("support-triage", () => {
  test("at least two chunks start before the model has finished, on the tiny model", async () => {
    const { stdout, status } = await triage(["--json", ticket]);
    expect(status).toBe(0);
    const entries = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Entry);
    const finish = entries.findIndex(({ type }) => type === "model:finish");
    const early = entries
      .slice(0, finish)
      .filter((entry) => entry.type === "chunk:start" && entry.live === 0 && entry.chunk !== "read");
    expect(early.map((entry) => "chunk" in entry && entry.chunk)).toEqual(
      expect.arrayContaining(["escalate", "page", "lookUp", "research"]),
    );
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", result: { reply: expect.any(String) as string } });
    expect(entries.filter(({ live }) => live === 0).map(({ seq }, index) => seq - index)).toEqual(
      entries.filter(({ live }) => live === 0).map(() => 1),
    );
  });

  test("piped, it prints plain lines, a timeline and the time saved, and says that it runs on a toy", async () => {
    const { stdout } = await triage([ticket]);
    expect(stdout).toContain("toy model on this machine");
    expect(stdout).toContain('▸ lookUp starts on triage.field("product")');
    expect(stdout).toMatch(/model +│█+/);
    expect(stdout).toMatch(/^ +research ┬ \[0\] │.*\n +├ \[1\] │.*\n(?: +├ .*\n)* +└ \[\d\] │/m);
    expect(stdout).toMatch(/\d+ chunks started while the model was writing: \d+ ms, not \d+ ms \(\d+ ms saved\)/);
    expect(stdout.split("").some((char) => char === "\u001b")).toBe(false);
  });

  test("it reads text on standard input", async () => {
    const { stdout, status } = await triage(["-"], {
      input: "Hi, my keyboard types letters twice. Can you help me? Best, Leo",
    });
    expect(status).toBe(0);
    expect(stdout).toContain("product: keyboard");
  });
});

describe("bad input: a message with what, where and how to mend it, exit code 1, no stack unless asked", () => {
  const told = async (run: ReturnType<typeof triage>, ...parts: (string | RegExp)[]): Promise<void> => {
    const { status, stderr } = await run;
    for (const part of parts) expect(stderr).toMatch(part);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(1);
  };

  test("an empty ticket", () => told(triage(["-"], { input: "  \n" }), /the ticket is empty/, /support-triage/));

  test("a file that is not there", () =>
    told(triage(["nowhere.txt"]), /no file or folder nowhere\.txt/, /Give the path/));

  test("an option that does not exist", () => told(triage(["--jsn"]), /--jsn/));

  test("--debug shows the stack", async () => {
    expect((await triage(["--debug", "nowhere.txt"])).stderr).toMatch(/^\s+at /m);
  });

  test("an unreachable provider", async () => {
    const server = await serve(200, "");
    await server.close();
    await told(
      triage([ticket], { env: { OPENAI_BASE_URL: server.url } }),
      /cannot be reached: the host 127\.0\.0\.1:\d+/,
      /support-triage\.read/,
    );
  });

  test("a bad key, which is not shown", async () => {
    const server = await serve(401, {
      error: { message: "Incorrect API key provided: sk-secret-123", type: "invalid_request_error" },
    });
    const { status, stderr } = await triage([ticket], {
      env: { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: "sk-secret-123" },
    });
    await server.close();
    expect(status).toBe(1);
    expect(stderr).toContain("401");
    expect(stderr).not.toContain("sk-secret-123");
  });

  test.each([
    ["a model that answers prose only", "I am sorry, I cannot do that.", /no JSON/],
    [
      "a reply that breaks the schema",
      '{"category":"refunds","urgency":"high","product":"x","summary":"y","steps":["z"]}',
      /category/,
    ],
  ])("%s", async (_name, reply, message) => {
    const server = await serveReply(reply);
    await told(triage([ticket], { env: { OPENAI_BASE_URL: server.url } }), message, /support-triage\.read/);
    await server.close();
  });

  test("a flow class with a typo in a trigger", async () => {
    const file = join(process.cwd(), "examples", `typo-${process.pid}.ts`);
    writeFileSync(
      file,
      `import { after, defineFlow, flow, run, start } from "@sluice/core";
import { z } from "zod";
import { exitWith } from "./support/exit.ts";
try {
  run(flow(defineFlow({ name: "typo", input: z.number() })).chunk("read", start, () => 1).chunk("draft", after("raed" as "read"), () => 2), 1);
} catch (error) { exitWith(error, false); }`,
    );
    try {
      await told(runExample(`typo-${process.pid}.ts`), /typo\.draft: there is no chunk "raed"\. Did you mean "read"\?/);
    } finally {
      rmSync(file);
    }
  });
});

interface Served {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** A server that answers everything with one status and body. */
async function serve(status: number, body: unknown, type = "application/json"): Promise<Served> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "content-type": type });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** A server that streams one reply, in pieces, as OpenAI's chat API does. */
function serveReply(reply: string): Promise<Served> {
  const chunk = (delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const pieces = reply.match(/.{1,6}/gs) ?? [];
  const body = [...pieces.map((content) => chunk({ content })), chunk({}, "stop"), "data: [DONE]\n\n"].join("");
  return serve(200, body, "text/event-stream");
}
