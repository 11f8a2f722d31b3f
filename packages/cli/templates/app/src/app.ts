/** The HTTP server: the page, a token for it, and Streamer at /streamer. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { attach } from "@streamer/embedded";
import { handlers } from "./handlers.ts";
import { readFiles } from "./files.ts";

export interface AppOptions {
  /** Everything that outlasts a restart. One process at a time may use it. */
  readonly dataFolder: string;
  readonly host?: string;
  /** 0 takes any that is free. */
  readonly port?: number;
  /** Where browsers find this server, when it is behind a proxy: `https://app.example.com`. */
  readonly publicUrl?: string;
  /** Whether anybody who reaches this server gets a token: on a developer's machine alone. */
  readonly developmentTokens: boolean;
  readonly logLevel?: "info" | "error" | "silent";
}

export interface App {
  readonly url: string;
  token(): Promise<string>;
  stop(): Promise<void>;
}

export async function startApp(options: AppOptions): Promise<App> {
  const { dataFolder, host = "127.0.0.1", port = 0, publicUrl, developmentTokens, logLevel = "info" } = options;
  const files = await readFiles();
  const server = createServer();
  server.listen(port, host);
  await once(server, "listening");
  const { port: taken } = server.address() as AddressInfo;
  const url = publicUrl ?? `http://127.0.0.1:${taken}`;

  const attaching = attach(server, {
    path: "/streamer",
    handlers,
    dataFolder,
    logLevel,
    publicUrl: url,
    // Whoever reaches this server gets a token of that key then.
    publicDevelopmentKey: developmentTokens,
    // Pages of these origins alone may connect.
    allowedOrigins: publicUrl === undefined ? [url, `http://localhost:${taken}`] : [new URL(publicUrl).origin],
    // A container is killed ten seconds after it was told to stop. What has not ended by then goes on at the next start.
    stopGraceMs: 8_000,
    // In production, whose tokens are accepted: auth: { jwks: "https://id.example.com/jwks.json", issuer: …, audience: … }
  });

  /**
   * A token says who somebody is. In production your own sign-in knows: check the session here, and answer with a token
   * that your identity provider has signed, for this user. Development tokens are signed with a key in the data folder.
   */
  const token = async (): Promise<string> => (await attaching).developmentToken({ userId: "developer" });

  async function answer({ url: path = "/" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [name = "/"] = path.split("?");
    const file = files.get(name);
    if (file) {
      response.writeHead(200, { "content-type": file.type }).end(file.content);
    } else if (name === "/token" && developmentTokens) {
      response.writeHead(200, { "content-type": "text/plain", "cache-control": "no-store" }).end(await token());
    } else if (name === "/token") {
      response.writeHead(501).end("There are no development tokens here: let /token in src/app.ts answer with those of your sign-in.");
    } else {
      response.writeHead(404).end("Not found");
    }
  }
  server.on("request", (request, response) => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });

  async function close(): Promise<void> {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }
  try {
    const streamer = await attaching;
    return {
      url,
      token,
      async stop() {
        await streamer.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
