/** The whole way: the server on a free port, with a data folder of its own, asked over a real WebSocket. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "@streamer/client";
import { startApp, type App } from "../src/app.ts";
import type { handlers } from "../src/handlers.ts";

describe("count_primes", () => {
  let dataFolder: string;
  let app: App;
  let client: ReturnType<typeof connect<typeof handlers>>;

  before(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), "app-test-"));
    app = await startApp({ dataFolder, developmentTokens: true, logLevel: "error" });
    client = connect<typeof handlers>(`${app.url.replace("http", "ws")}/streamer`, { token: () => app.token() });
  });
  after(async () => {
    await client.close();
    await app.stop();
    await rm(dataFolder, { recursive: true });
  });

  it("tells how far it is, and the result", async () => {
    const run = client.request("count_primes", { below: 3_000_000 }, { mode: "async" });
    const seen: number[] = [];
    for await (const { percentage } of run.progress) seen.push(percentage);
    assert.ok(seen.length >= 3, `progress was seen ${seen.length} times`);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    assert.deepEqual(await run.result, { primes: 216_816 });
  });

  it("stops when it is cancelled", async () => {
    const run = client.request("count_primes", { below: 100_000_000 }, { mode: "async" });
    for await (const { percentage } of run.progress) if (percentage > 0) break;
    const { stage } = await run.cancel("not needed any more");
    assert.equal(stage, "stopped");
    await assert.rejects(run.result, { code: "CANCELLED" });
  });

  it("refuses what its schema does not allow", async () => {
    const run = client.request("count_primes", { below: -1 });
    await assert.rejects(run.result, { code: "VALIDATION_ERROR" });
  });

  it("serves the page", async () => {
    const response = await fetch(app.url);
    assert.equal(response.status, 200);
    assert.match(await response.text(), /page\.js/);
  });
});
