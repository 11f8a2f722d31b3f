import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connectClient, type TestClient } from "./client.ts";

const KILLS = 20;

async function start(dataFolder: string): Promise<{ child: ChildProcess; client: TestClient }> {
  const script = join(import.meta.dirname, "killed-server.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, dataFolder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { url, token } = JSON.parse(line.toString()) as { url: string; token: string };
  const client = connectClient(url, token);
  await client.message("welcome");
  return { child, client };
}

/** Submits one request after the other, some at a time, until the server dies; answers what was acknowledged. */
async function submitUntilKilled(
  { child, client }: Awaited<ReturnType<typeof start>>,
  round: number,
  killAfterMs: number,
): Promise<string[]> {
  const killer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  let count = 0;
  const submit = (): void => {
    count += 1;
    client.send({ type: "request", id: `${round}-${count}`, action: "steps", payload: { n: count }, options: { mode: "async" } });
  };
  client.socket.on("message", (data: Buffer) => {
    if (data.includes('"type":"acknowledgment"')) submit();
  });
  for (let ahead = 0; ahead < 8; ahead += 1) submit();
  await client.closed;
  clearTimeout(killer);
  return client.messages.flatMap((message) => (message.type === "acknowledgment" ? [message.request_id] : []));
}

it(
  `P1 P2 a server killed ${KILLS} times at any moment loses no acknowledged request, and ends each once`,
  { timeout: 120_000 },
  async () => {
    const dataFolder = await mkdtemp(join(tmpdir(), "streamer-kill-"));
    const acknowledged: string[] = [];
    const delaysMs = Array.from({ length: KILLS }, () => Math.round(Math.random() * 150));
    for (const [round, killAfterMs] of delaysMs.entries()) {
      acknowledged.push(...(await submitUntilKilled(await start(dataFolder), round, killAfterMs)));
    }
    expect(acknowledged.length).toBeGreaterThan(KILLS);

    const { child, client } = await start(dataFolder);
    for (const id of acknowledged) client.send({ type: "subscribe", request_id: id, after: 0 });
    const ends = await Promise.all(acknowledged.map((id) => client.message("complete", id)));
    const wrong = ends.filter(({ request_id: id, result }) => (result as { squared: number }).squared !== Number(id.split("-")[1]) ** 2);
    expect({ delaysMs, wrong }).toMatchObject({ wrong: [] });

    // The whole story of each, as replayed: one end, last, and a cursor without a repeat (P5).
    const stories = Map.groupBy(
      client.messages.filter((message) => "seq" in message && message.type !== "snapshot"),
      (message) => ("request_id" in message ? message.request_id : ""),
    );
    for (const story of stories.values()) {
      const seqs = story.map((message) => ("seq" in message ? message.seq : 0));
      expect(seqs).toEqual(Array.from(new Set(seqs)).toSorted((a, b) => a - b));
      expect(story.filter(({ type }) => type === "complete")).toHaveLength(1);
      expect(story.at(-1)!.type).toBe("complete");
    }
    expect(stories.size).toBe(acknowledged.length);
    child.kill("SIGKILL");
    await once(child, "exit");
    await rm(dataFolder, { recursive: true });
  },
);
