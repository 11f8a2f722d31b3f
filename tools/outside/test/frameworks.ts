/** Streamer beside the routes of what people serve with. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Outside } from "./published.ts";

const FOLDER = join(import.meta.dirname, "../strangers/frameworks");
/** What each takes beside ours, as it was when this was written. */
const FRAMEWORKS: Readonly<Record<string, readonly string[]>> = {
  express: ["express@5.3.0"],
  fastify: ["fastify@5.12.8"],
  hono: ["hono@4.13.19", "@hono/node-server@2.1.9"],
  next: ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"],
};

export const frameworkFiles = (): Readonly<Record<string, string>> =>
  Object.fromEntries(readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), "utf8")]));

export interface Session {
  readonly url: string;
  readonly token: string;
}

export function describeFrameworks(outside: () => Outside): void {
  it.each(Object.entries(FRAMEWORKS))("Streamer is attached to the server of %s, beside its routes", async (name, packages) => {
    using stranger = outside().stranger();
    stranger.install("@streamer/embedded", "@streamer/client", "zod", ...packages);
    stranger.write({
      ...frameworkFiles(),
      ...(name === "next" && {
        "app/layout.jsx": "export default ({ children }) => <html><body>{children}</body></html>;",
        "app/hello/route.js": 'export const GET = () => new Response("hello");',
      }),
    });
    await using server = stranger.start("node", [`${name}.js`], { env: { NEXT_TELEMETRY_DISABLED: "1" } });
    const [line] = await server.prints(/^\{.*\}$/m);
    const { url, token } = JSON.parse(line) as Session;
    const answered = JSON.parse(stranger.runWell("node", ["client.js", url, token])) as unknown;
    expect(answered).toEqual({ words: 6, heard: expect.any(Number) });
    const origin = url.replace(/^ws/, "http").replace(/\/streamer$/, "");
    expect(await (await fetch(`${origin}/hello`)).text()).toBe("hello");
    expect((await fetch(`${origin}/streamer/healthz`)).status).toBe(200);
    server.signal("SIGTERM");
    expect(await server.ended).toBe(0);
  });
}
