/** A client for a command: connected, or ended with the reason and what to do about it. */
import { connect, type Client, type StreamerError, type Token } from "@streamer/client";
import type { Access } from "./access.ts";
import { EXIT, ExitError } from "./exit.ts";

/** Failed attempts before a first connection is called impossible: a server that is just starting gets its chance. */
const ATTEMPTS = 3;
/** The same when the server itself says that it is not ready, or full: half a minute or so, since it says when to come. */
const REFUSALS = 8;

export async function openClient({ url, token }: Pick<Access, "url" | "token">): Promise<Client> {
  const proven = await prove(token);
  let client: Client;
  try {
    client = connect(url, { token: proven });
  } catch (error) {
    throw new ExitError(EXIT.usage, (error as Error).message);
  }
  try {
    await opened(client, url);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The same token or source; one that cannot give a token at all says so here, and not as a connection that fails. */
async function prove(token: Token): Promise<Token> {
  if (typeof token === "string") return token;
  let first: string | undefined = await token();
  return () => {
    const fresh = first ?? token();
    first = undefined;
    return fresh;
  };
}

function opened(client: Client, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = client.onState((state) => {
      if (state.status === "open") {
        stop();
        resolve();
      } else if (state.status === "closed" || (state.status === "waiting" && isFinal(state.error))) {
        stop();
        reject(state.error ?? new ExitError(EXIT.cannotConnect, `The connection to ${url} was closed.`, "CANNOT_CONNECT"));
      } else if (state.status === "waiting" && state.failures >= (isNoServer(state.error) ? ATTEMPTS : REFUSALS)) {
        stop();
        const hint = isNoServer(state.error)
          ? ' Is a server running there? Start one with "streamer serve", or ask "streamer doctor".'
          : ` The server said so ${REFUSALS} times.`;
        reject(new ExitError(EXIT.cannotConnect, state.error.message + hint, state.error.code));
      }
    });
  });
}

/** Another token is needed: the same one would be refused again. */
const isFinal = ({ code }: StreamerError): boolean => code === "UNAUTHORIZED" || code === "FORBIDDEN";
const isNoServer = ({ code }: StreamerError): boolean => code === "CANNOT_CONNECT";
