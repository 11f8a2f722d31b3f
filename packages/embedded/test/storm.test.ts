/** A reconnect storm: the server dies under 500 clients with work in progress, and all of them come back at once. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connect, type Client, type RunEvent } from "@streamer/client";
import { fixedPort, kill, startServer } from "./killable.ts";
import { chainOf } from "./killable-work.ts";

const CLIENTS = 500;

it(`P1 P5 ${CLIENTS} clients come back after their server was killed, each to its own result`, async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-storm-"));
  const port = await fixedPort(Math.random);
  const first = await startServer(dataFolder, port);
  const clients = Array.from({ length: CLIENTS }, (): Client => connect(first.url, { token: first.sdk }));
  const followed = clients.map((client, n) => {
    const run = client.request("chain", { n }, { mode: "async" });
    const events: RunEvent[] = [];
    const reading = (async () => {
      for await (const event of run.events) events.push(event);
    })();
    return { n, run, events, reading };
  });
  await Promise.all(followed.map(({ run }) => run.accepted));

  await kill(first);
  const second = await startServer(dataFolder, port);
  const results = await Promise.all(followed.map(({ run }) => run.result));
  await Promise.all(followed.map(({ reading }) => reading));
  await Promise.all(clients.map((client) => client.close()));
  await kill(second);
  await rm(dataFolder, { recursive: true });

  for (const { n, events } of followed) {
    const chain = chainOf(n);
    expect(results[n]).toEqual({ n, digest: chain.at(-1) });
    const seqs = events.map((event) => ("seq" in event ? event.seq : 0));
    expect(seqs, `client ${n}`).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    // An attempt that was killed between a partial and its checkpoint says that partial again, under another seq.
    const digests = events.flatMap((event) => (event.type === "partial" ? [event.data] : []));
    expect([...new Set(digests)], `client ${n}`).toEqual(chain);
  }
  const interrupted = followed.filter(({ events }) => events.some((event) => event.type === "complete" && event.metadata.attempts > 1));
  expect(interrupted.length).toBeGreaterThan(0);
});
