// A game on a WebSocket: guesses come in as events, hints go out as items, on one connection.
import { type ContextOf, type Payload, defineFlow, event, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { createHandler, socketRoutes } from "@sluice/server";
import { serve, upgradeWebSocket } from "@hono/node-server";
import { WebSocketServer } from "ws";
import { z } from "zod";

const Guess = event("guess", z.object({ number: z.int() }));
const spec = defineFlow({
  name: "guess",
  input: z.object({ secret: z.int() }),
  state: z.object({ secret: z.int().default(0), guesses: z.int().default(0) }),
  stream: z.string(),
  result: z.string(),
  accepts: [Guess],
  keepOpen: true,
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Game {
  @on(start)
  begin({ secret }: { secret: number }, ctx: Ctx) {
    ctx.state.set("secret", secret);
    ctx.putIntoStream("I think of a number from 1 to 100");
  }

  @on(Guess)
  judge({ number }: Payload<typeof Guess>, ctx: Ctx) {
    ctx.state.update((state) => void (state.guesses += 1));
    const secret = ctx.state.get("secret");
    const guesses = ctx.state.get("guesses");
    if (number === secret) ctx.end(`${number} it is, after ${guesses} guesses`);
    else ctx.putIntoStream(number < secret ? "higher" : "lower");
  }
}

const handler = createHandler({ flows: [Game], development: true, routes: [socketRoutes(upgradeWebSocket)] });
const websocket = { server: new WebSocketServer({ noServer: true, maxPayload: 2 ** 20 }) };
const server = serve({ fetch: handler, websocket, hostname: "127.0.0.1", port: 0 }, ({ port }) => void play(port));

/** Plays by halving what is left. */
async function play(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/flows/guess/executions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: { secret: 37 } }),
  });
  const { executionId } = (await response.json()) as { readonly executionId: string };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/executions/${executionId}/socket?items`);
  let [least, most, number] = [1, 100, 0];
  socket.addEventListener("message", ({ data }) => {
    const { entry, position } = JSON.parse(String(data));
    if (entry?.type === "flow:completed") console.log(entry.result);
    if (entry?.type !== "stream:item") return;
    if (entry.item === "higher") least = number + 1;
    if (entry.item === "lower") most = number - 1;
    number = Math.floor((least + most) / 2);
    console.log(`${entry.item}. ${number}?`);
    socket.send(JSON.stringify({ type: "ack", position }));
    socket.send(JSON.stringify({ type: "emit", event: "guess", payload: { number } }));
  });
  await new Promise((resolve) => socket.addEventListener("close", resolve));
  await handler.close();
  server.close();
}
