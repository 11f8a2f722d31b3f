/** The pages beside this file, bundled for browsers and served from an origin of their own. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build, type Metafile } from "esbuild";

const PAGES = ["connection", "count", "flood", "guide", "reload", "strict"] as const;
export type PageName = (typeof PAGES)[number];

export interface Site extends AsyncDisposable {
  readonly origin: string;
  readonly metafile: Metafile;
}

export async function serveSite(): Promise<Site> {
  const { outputFiles, metafile } = await build({
    entryPoints: PAGES.map((name) => `${import.meta.dirname}/pages/${name}`),
    outdir: "/",
    bundle: true,
    format: "esm",
    platform: "browser",
    jsx: "automatic",
    // StrictMode does its checks only there.
    define: { "process.env.NODE_ENV": '"development"' },
    metafile: true,
    write: false,
  });
  const scripts = new Map(outputFiles.map(({ path, text }) => [path, text]));
  const server = createServer(({ url = "/" }, response) => {
    const path = url.split("?")[0]!;
    const script = scripts.get(path);
    response.setHeader("content-type", script === undefined ? "text/html; charset=utf-8" : "text/javascript");
    response.end(
      script ?? `<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="${path}.js"></script>`,
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    metafile,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
