/** The handler, the server and the client of the README. */
import { setImmediate } from "node:timers/promises";
import { connect } from "@streamer/client";
import { defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { z } from "zod";

export const estimatePi = defineHandler({
  action: "estimate_pi",
  input: z.object({ points: z.int().min(1).max(1e10) }),
  estimate: ({ points }) => points / 10_000, // ms; leave it out and it is learned from real runs
  async run({ points }, ctx) {
    let [inside, done] = [0, 0];
    while (done < points) {
      const end = Math.min(done + 500_000, points);
      for (; done < end; done += 1) if (Math.random() ** 2 + Math.random() ** 2 < 1) inside += 1;
      ctx.report((100 * done) / points, `${done} points`);
      await setImmediate(); // everybody else's turn: progress goes out, a cancellation comes in
      ctx.signal.throwIfAborted(); // cancelled, timed out, or shutting down
    }
    return { pi: (4 * inside) / points };
  },
});

export async function serve(dataFolder: string, port: number): Promise<{ readonly server: Server; readonly token: string }> {
  const server = await startServer({ handlers: [estimatePi], dataFolder, port });
  const token = await server.developmentToken({ userId: "me" });
  return { server, token };
}

export interface Page {
  readonly button: EventTarget;
  show(percentage: number, message?: string): void;
}

export async function estimate(url: string, token: string, { button, show }: Page): Promise<number> {
  await using client = connect<[typeof estimatePi]>(url, { token });
  const run = client.request("estimate_pi", { points: 100_000_000 });
  button.addEventListener("click", () => void run.cancel()); // stops it where it is, on the server
  for await (const p of run.progress) show(p.percentage, p.message); // live, and after reconnects
  const { pi } = await run.result; // or rejects with CANCELLED
  return pi;
}
