import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const folder = fileURLToPath(new URL(".", import.meta.url));
let script: Promise<string> | undefined;

/** The page's files: it is bundled when it is first asked for. */
export async function pageFile(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/") return file("text/html", await readFile(`${folder}page.html`, "utf8"));
  if (pathname === "/page.js") return file("text/javascript", await (script ??= bundled()));
  return new Response("There is nothing here", { status: 404 });
}

async function bundled(): Promise<string> {
  const bundle = await rolldown({
    input: `${folder}page.tsx`,
    platform: "browser",
    tsconfig: `${folder}../tsconfig.json`,
    onLog: () => {}, // "use client" means nothing here
    transform: { define: { "process.env.NODE_ENV": '"production"' } },
  });
  await using _closed = bundle;
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false });
  return output[0].code;
}

function file(type: string, text: string): Response {
  return new Response(text, { headers: { "content-type": `${type}; charset=utf-8` } });
}
