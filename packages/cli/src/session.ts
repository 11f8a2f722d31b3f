/** A client for a command: connected, or ended with the reason and what to do about it. */
import { connect, type Client } from "@streamer/client";
import { EXIT, ExitError } from "./exit.ts";

/** Failed attempts before a first connection is called impossible: a server that is just starting gets its chance. */
const ATTEMPTS = 3;

export async function openClient(url: string, token: string): Promise<Client> {
  let client: Client;
  try {
    client = connect(url, { token });
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

function opened(client: Client, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = client.onState((state) => {
      if (state.status === "open") {
        stop();
        resolve();
      } else if (state.status === "closed") {
        stop();
        reject(state.error ?? new ExitError(EXIT.cannotConnect, `The connection to ${url} was closed.`, "CANNOT_CONNECT"));
      } else if (state.status === "waiting" && state.failures >= ATTEMPTS) {
        stop();
        const hint = `${state.error.message} Is a server running there? Start one with: streamer serve`;
        reject(new ExitError(EXIT.cannotConnect, hint, "CANNOT_CONNECT"));
      }
    });
  });
}
