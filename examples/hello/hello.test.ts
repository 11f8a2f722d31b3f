/** The examples do what docs/guides/handlers.md says they do, alone and over a real socket. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@streamer/client";
import { isFatal, isRetryAfter, isStopped, type AnyHandler } from "@streamer/core";
import { createLog, startServer, type Server } from "@streamer/embedded";
import { describe, expect, onTestFinished, test } from "vitest";
import { searchGaps } from "./client.ts";
import { estimate, serve } from "./estimate-pi.ts";
import { findPrimeGaps } from "./find-prime-gaps.ts";
import { handlers as helloHandlers } from "./handlers.ts";
import { createImportOrders } from "./import-orders.ts";
import { recordingContext } from "./recording-context.ts";

/** The maximal gaps below 10,000,000 (OEIS A002386 and A005250). */
const LARGEST_GAP = { after: 4_652_353, gap: 154 };

describe("find_prime_gaps", () => {
  test("finds the known gaps, tells each as it is found, and leaves a file", async () => {
    const { ctx, partials, files, reports } = recordingContext();
    const { largest } = await findPrimeGaps.run({ to: 10_000_000 }, ctx);

    expect(largest).toEqual(LARGEST_GAP);
    expect(partials.slice(0, 4).map(({ data }) => data)).toEqual([
      { after: 2, gap: 1 },
      { after: 3, gap: 2 },
      { after: 7, gap: 4 },
      { after: 23, gap: 6 },
    ]);
    expect(files.get("gaps.csv")!.trimEnd().split("\n").at(-1)).toBe("4652353,154");
    expect(reports.at(-1)!.percentage).toBe(100);
  });

  test("goes on from its last checkpoint", async () => {
    const first = recordingContext();
    const whole = await findPrimeGaps.run({ to: 10_000_000 }, first.ctx);
    const second = recordingContext(first.checkpoints[1]);
    expect(await findPrimeGaps.run({ to: 10_000_000 }, second.ctx)).toEqual(whole);
    expect(second.checkpoints).toHaveLength(first.checkpoints.length - 2);
  });

  test("stops when it is told to", async () => {
    const { ctx, stop, checkpoints } = recordingContext();
    stop("cancelled");
    await expect(findPrimeGaps.run({ to: 10_000_000 }, ctx)).rejects.toSatisfy(isStopped);
    expect(checkpoints).toEqual([]);
  });
});

describe("import_orders", () => {
  const since = "2026-01-01";

  test("adds up the pages, and goes on at the page an earlier attempt ended at", async () => {
    const asked: string[] = [];
    const api = await fakeApi(({ url }, response) => {
      asked.push(url!);
      const page = Number(new URL(url!, "http://api").searchParams.get("page"));
      response.end(JSON.stringify({ pages: 3, orders: [{ id: `o${page}`, cents: 100 * (page + 1) }] }));
    });
    const { ctx, checkpoints } = recordingContext();
    expect(await createImportOrders({ api }).run({ since }, ctx)).toEqual({ orders: 3, cents: 600 });
    asked.length = 0;
    expect(await createImportOrders({ api }).run({ since }, recordingContext(checkpoints[1]).ctx)).toEqual({ orders: 3, cents: 600 });
    expect(asked).toEqual(["/orders?since=2026-01-01&page=2"]);
  });

  test("waits as long as the API asks, and gives up on a refused key", async () => {
    const busy = await fakeApi((_, response) => response.writeHead(429, { "retry-after": "7" }).end());
    const error = await Promise.resolve(createImportOrders({ api: busy }).run({ since }, recordingContext().ctx)).catch(
      (thrown: unknown) => thrown,
    );
    expect(isRetryAfter(error) && error.afterMs).toBe(7_000);

    const closed = await fakeApi((_, response) => response.writeHead(401).end());
    await expect(createImportOrders({ api: closed }).run({ since }, recordingContext().ctx)).rejects.toSatisfy(isFatal);
  });
});

/** A server that is asked for orders as `import_orders` asks. */
async function fakeApi(answer: RequestListener): Promise<string> {
  const api = createServer(answer).listen(0, "127.0.0.1");
  await once(api, "listening");
  onTestFinished(() => {
    api.closeAllConnections();
    api.close();
  });
  return `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
}

describe("over a real socket", () => {
  async function started(handlers: readonly AnyHandler[] = helloHandlers): Promise<{ readonly server: Server; readonly token: string }> {
    const dataFolder = await mkdtemp(join(tmpdir(), "streamer-hello-"));
    const server = await startServer({ handlers, dataFolder, log: createLog("error") });
    onTestFinished(async () => {
      await server.stop();
      await rm(dataFolder, { recursive: true, force: true });
    });
    return { server, token: await server.developmentToken({ userId: "me" }) };
  }

  test("greet answers at once", async () => {
    const { server, token } = await started();
    await using client = connect<typeof helloHandlers>(server.url, { token });
    const { greeting } = await client.request("greet", { name: "Ada" }).result;
    expect(greeting).toBe("Hello, Ada!");
  });

  test("find_prime_gaps runs in its own process, shows progress and leaves a file behind a signed link", async () => {
    const { server, token } = await started();
    const lines: string[] = [];
    const answer = await searchGaps(server.url, token, 10_000_000, (line) => lines.push(line));
    expect(answer).toBe("Between 4652353 and 4652507 there is no prime.");
    expect(lines.at(-1)).toMatch(/^100 % up to 10000000/);

    await using client = connect<typeof helloHandlers>(server.url, { token });
    const { url } = await client.request("find_prime_gaps", { to: 1_000 }).result;
    expect(await (await fetch(url)).text()).toBe("after,gap\n2,1\n3,2\n7,4\n23,6\n89,8\n113,14\n523,18\n887,20\n");
  });

  test("import_orders waits as long as it is asked to, and goes on; a refused key is a dead letter", async () => {
    let asked = 0;
    const api = await fakeApi((_, response) => {
      asked += 1;
      if (asked === 1) response.writeHead(429, { "retry-after": "0.1" }).end();
      else if (asked === 2) response.end(JSON.stringify({ pages: 1, orders: [{ id: "o1", cents: 100 }] }));
      else response.writeHead(401).end();
    });
    const { server, token } = await started([createImportOrders({ api })]);
    await using client = connect(server.url, { token });
    const run = client.request("import_orders", { since: "2026-01-01" });
    expect(await run.result).toEqual({ orders: 1, cents: 100 });
    expect(await client.get(run.id)).toMatchObject({ status: "COMPLETED", attempt: 2 });

    const refused = client.request("import_orders", { since: "2026-01-01" });
    await expect(refused.result).rejects.toThrow("The order API refused our key");
    expect(await client.get(refused.id)).toMatchObject({ status: "FAILED", attempt: 1 });
  });
});

test("every TypeScript block of the guide is taken from these files", async () => {
  const folder = import.meta.dirname;
  const guide = await readFile(join(folder, "../../docs/guides/handlers.md"), "utf8");
  const blocks = Array.from(guide.matchAll(/<!-- from (\S+) -->\n```ts\n([^]*?)```/g), ([, file, code]) => ({ file: file!, code: code! }));
  expect(blocks.length).toBe(guide.split("```ts\n").length - 1);
  for (const { file, code } of blocks) {
    const source = unindented(await readFile(join(folder, file), "utf8"));
    for (const part of code.split("// …\n")) expect(source, `${file} has no such passage any more`).toContain(unindented(part));
  }
});

describe("the README's handler, server and client", () => {
  async function started(): Promise<{ readonly server: Server; readonly token: string }> {
    const dataFolder = await mkdtemp(join(tmpdir(), "streamer-readme-"));
    const { server, token } = await serve(dataFolder, 0);
    onTestFinished(async () => {
      await server.stop();
      await rm(dataFolder, { recursive: true, force: true });
    });
    return { server, token };
  }

  test("show live progress, value after value, and the result", async () => {
    const { server, token } = await started();
    const shown: { readonly percentage: number; readonly at: number }[] = [];
    const show = (percentage: number): void => void shown.push({ percentage, at: performance.now() });
    expect(await estimate(server.url, token, { button: new EventTarget(), show })).toBeCloseTo(Math.PI, 2);
    expect(shown.at(-1)!.percentage).toBe(100);
    // While it ran, and not all of it at its end.
    const between = shown.filter(({ percentage }) => percentage > 0 && percentage < 100);
    expect(between.length).toBeGreaterThan(2);
    expect(between.at(-1)!.at - between[0]!.at).toBeGreaterThan(500);
  });

  test("cancel: what runs stops where it is", async () => {
    const { server, token } = await started();
    const button = new EventTarget();
    const shown: number[] = [];
    let cancelledAt = Infinity;
    const show = (percentage: number): void => {
      shown.push(percentage);
      if (percentage === 0 || cancelledAt < Infinity) return;
      cancelledAt = performance.now();
      button.dispatchEvent(new Event("click"));
    };
    await expect(estimate(server.url, token, { button, show })).rejects.toMatchObject({ code: "CANCELLED" });
    expect(performance.now() - cancelledAt).toBeLessThan(2_000);
    expect(shown.at(-1)).toBeLessThan(100);
    await expect.poll(() => server.streamer.health().runs).toBe(0);
  });

  test("stand in it word for word", async () => {
    const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
    const source = unindented(await readFile(join(import.meta.dirname, "estimate-pi.ts"), "utf8"));
    const blocks = Array.from(readme.matchAll(/```ts\n([^]*?)```/g), ([, code]) => code!);
    expect(blocks).toHaveLength(3);
    for (const block of blocks) {
      const [, code] = block.split(/\n\n([^]*)/);
      expect(source).toContain(unindented(code!.trim()));
    }
  });
});

/** Passages are quoted without the indentation they have where they come from. */
const unindented = (code: string): string => code.replaceAll(/^ +/gm, "");
