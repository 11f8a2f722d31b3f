/** A bare client on a real WebSocket: sends what it is told, right or wrong, and keeps everything that comes back. */
import { createPartJoiner, parseServerMessage, SUBPROTOCOL, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import { storyOf } from "../flow/pipeline.ts";

/** Nothing on a loopback socket takes this long unless it is broken. */
const PATIENCE_MS = 10_000;

export interface WireClient {
  readonly received: readonly ServerMessage[];
  /** The subprotocol the server selected. */
  readonly protocol: string;
  send(...frames: readonly (ClientMessage | string | Uint8Array<ArrayBuffer>)[]): void;
  /** The first message received, past or future, that matches. */
  message<M extends ServerMessage = ServerMessage>(what: string, matches: (message: ServerMessage) => boolean): Promise<M>;
  /** The first answer that echoes `ref`. */
  answer(ref: string): Promise<ServerMessage>;
  /** The events of one request (P5). */
  story(requestId: string): readonly (ServerMessage & { readonly seq: number })[];
  /** The event that ends a request. */
  end(requestId: string): Promise<ServerMessage & { readonly seq: number }>;
  /** How the server closed the socket. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  close(): Promise<void>;
}

export interface Opening {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Node's WebSocket takes headers beside protocols; browsers' does not, nor do its types. */
type OpenSocket = new (
  url: string,
  options: { readonly protocols: readonly string[]; readonly headers: Readonly<Record<string, string>> },
) => WebSocket;

export async function openSocket(url: string, { protocols = [SUBPROTOCOL], headers = {} }: Opening = {}): Promise<WireClient> {
  const socket = new (WebSocket as unknown as OpenSocket)(url, { protocols, headers });
  const received: ServerMessage[] = [];
  const watchers = new Set<() => void>();
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<{ readonly code: number; readonly reason: string }>();
  let problem: Error | undefined;

  const parts = createPartJoiner();
  const read = (data: string): void => {
    const parsed = parseServerMessage(data);
    if (!parsed.ok) problem = new Error(`the server sent what is no message: ${parsed.error.message} ${data.slice(0, 300)}`);
    else if (parsed.message.type !== "part") received.push(parsed.message);
    else {
      const whole = parts.join(parsed.message);
      if (whole !== undefined) read(whole);
    }
  };
  const tell = (): void => {
    for (const watch of watchers) watch();
  };
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", () => opened.reject(new Error(`no connection to ${url}`)));
  socket.addEventListener("close", ({ code, reason }) => {
    problem ??= new Error(`the socket was closed with ${code} ${reason}`);
    closed.resolve({ code, reason });
    tell();
  });
  socket.addEventListener("message", ({ data }: MessageEvent<string>) => {
    read(data);
    tell();
  });
  await opened.promise;

  function message<M extends ServerMessage = ServerMessage>(what: string, matches: (message: ServerMessage) => boolean): Promise<M> {
    const { promise, resolve, reject } = Promise.withResolvers<M>();
    const look = (): void => {
      const found = received.find(matches);
      if (found) resolve(found as M);
      else if (problem) reject(new Error(`no ${what}: ${problem.message}`));
    };
    const timer = setTimeout(() => {
      const seen = received.slice(-5).map((last) => JSON.stringify(last).slice(0, 200));
      reject(new Error(`no ${what} within ${PATIENCE_MS} ms; the last messages were\n${seen.join("\n")}`));
    }, PATIENCE_MS);
    watchers.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      watchers.delete(look);
    });
  }

  return {
    received,
    get protocol() {
      return socket.protocol;
    },
    closed: closed.promise,
    send: (...frames) => {
      for (const frame of frames) socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame));
    },
    message,
    answer: (ref) => message(`answer to ${ref}`, (candidate) => "ref" in candidate && candidate.ref === ref),
    story: (requestId) => storyOf(received, requestId),
    end: (requestId) =>
      message(
        `end of ${requestId}`,
        (candidate) =>
          (candidate.type === "complete" || (candidate.type === "error" && candidate.seq !== undefined)) &&
          candidate.request_id === requestId,
      ),
    close: async () => {
      socket.close();
      await closed.promise;
    },
  };
}
