// Serves examples/browser to a browser on this machine: `npm run browser`.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { bundleForBrowser } from "./bundle.ts";

/** A page that can be opened, until it is disposed of. */
export interface ServedPage extends AsyncDisposable {
  readonly port: number;
}

/** Bundles the example and serves it on 127.0.0.1, at a port that is free. */
export async function serveBrowserExample(): Promise<ServedPage> {
  const files = new Map([
    ["/", ["text/html", readFileSync(new URL("../examples/browser/page.html", import.meta.url), "utf8")]],
    ["/page.js", ["text/javascript", (await bundleForBrowser("examples/browser/page.ts")).code]],
  ]);
  const server = createServer(({ url = "" }, response) => {
    const [type = "text/plain", text] = files.get(url) ?? [];
    response.writeHead(text === undefined ? 404 : 200, { "content-type": `${type}; charset=utf-8` }).end(text);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on a port, so this is no pipe's name
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`Open http://localhost:${(await serveBrowserExample()).port} (Ctrl+C ends it)`);
}
