/** Two servers: one gives browsers the page, the other is Streamer's, which lets that page's origin in. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { startServer } from "@streamer/embedded";
import { coveredDays, createGenerateReport, writeSampleShop } from "@streamer/handlers";

export interface ReportsOptions {
  readonly folder: string;
  /** Of the page. Default: any free one. */
  readonly port?: number;
  /** Order lines of the sample shop. */
  readonly rows?: number;
}

export interface Reports {
  readonly url: string;
  stop(): Promise<void>;
}

export async function serveReports({ folder, port = 0, rows }: ReportsOptions): Promise<Reports> {
  const shop = join(folder, "shop");
  await writeSampleShop(shop, rows === undefined ? {} : { rows });
  const days = await coveredDays(shop);
  const pages = createServer();
  await once(pages.listen(port, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;

  const server = await startServer({
    handlers: [createGenerateReport({ dataFolder: shop })],
    dataFolder: join(folder, "server"),
    allowedOrigins: [url],
    workers: 1,
    logLevel: "error",
    stopGraceMs: 1_000,
  });

  const settings = { server: server.url, firstDay: days?.first, lastDay: days?.last };
  const html = (await readFile(join(import.meta.dirname, "page/index.html"), "utf8")).replace("SETTINGS", JSON.stringify(settings));
  const files = new Map([["/", { type: "text/html", text: html }]]);
  for (const [path, file] of await bundle()) files.set(path, file);

  async function answer(path: string, response: ServerResponse): Promise<void> {
    const file = files.get(path);
    if (file) response.writeHead(200, { "content-type": `${file.type}; charset=utf-8`, "cache-control": "no-store" }).end(file.text);
    // Where your own session would say who asks.
    else if (path === "/token") response.end(await server.developmentToken({ userId: "me" }));
    else response.writeHead(404).end();
  }
  pages.on("request", ({ url: path = "/" }, response) => void answer(path, response));

  return {
    url,
    async stop() {
      pages.closeAllConnections();
      pages.close();
      await server.stop();
    },
  };
}

async function bundle(): Promise<[path: string, file: { readonly type: string; readonly text: string }][]> {
  const { outputFiles } = await build({
    entryPoints: ["app.tsx", "style.css"].map((name) => join(import.meta.dirname, "page", name)),
    outdir: "/",
    bundle: true,
    minify: true,
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  return outputFiles.map(({ path, text }) => [path, { type: path.endsWith(".css") ? "text/css" : "text/javascript", text }]);
}
