// A client that starts a letter, watches it, approves of it, and prints what it sees: over sockets, or with any other `ask`.

/** What `fetch` does. */
type Ask = (url: string, init?: RequestInit) => Promise<Response>;

/** Visits a server. */
export async function visit(url: string, ask: Ask = fetch): Promise<void> {
  const post = async (path: string, body: unknown): Promise<Response> => {
    const headers = { "content-type": "application/json" };
    return ask(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  };
  const started = await post("/flows/letter/executions", { input: { to: "Ann" } });
  const of = `/executions/${(await started.json()).executionId}`;
  const stream = await ask(`${url}${of}/stream`);
  for await (const text of (stream.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    for (const [, type, data = ""] of text.matchAll(/^event: (.*)\ndata: (.*)$/gm)) {
      if (type === "stream:item") console.log(`item: ${JSON.parse(data).item}`);
      if (type === "flow:waiting") await post(`${of}/answers/approval@a1`, { answer: { approved: true } });
      if (type === "flow:completed") console.log(`result: ${JSON.parse(data).result}`);
    }
  }
}
