/**
 * A TCP proxy that treats connections as a bad network does. Each connection is given one fault, which strikes after so
 * many bytes: in the handshake, inside a frame, between two. Counted in bytes, so that a seed repeats what strikes where.
 */
import { once } from "node:events";
import { createConnection, createServer, type AddressInfo, type Socket } from "node:net";
import { createRandom } from "../random.ts";

/**
 * `cut` resets both sides. `half-close` ends one direction and leaves the other. `stall` swallows everything, ends
 * included, and closes nothing: only a heartbeat finds out.
 */
export type Fault = "cut" | "half-close" | "stall";

export interface ChaosOptions {
  readonly target: { readonly host?: string; readonly port: number };
  readonly seed: number;
  /** Bytes from the server that a connection passes on average until its fault strikes. Default 4,096; of the client's, a tenth. */
  readonly meanBytes?: number;
  /** How many of the faults strike what the client says, its handshake above all. Default 0.25. */
  readonly upShare?: number;
  /** How often each fault is drawn, relative to the others. Default 6, 3, 1. */
  readonly weights?: Readonly<Record<Fault, number>>;
}

export interface ChaosProxy extends AsyncDisposable {
  readonly port: number;
  /** Faults that have struck. */
  readonly struck: Readonly<Record<Fault, number>>;
  /** Resets every connection at once. */
  cutAll(): void;
  /** From now on nothing strikes; connections that are stalled are reset. */
  calm(): void;
}

type Direction = "up" | "down";

interface Fate {
  readonly fault: Fault;
  readonly direction: Direction;
  readonly afterBytes: number;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  fate: Fate | undefined;
  isStalled: boolean;
}

const DEFAULT_WEIGHTS: Readonly<Record<Fault, number>> = { cut: 6, "half-close": 3, stall: 1 };
/** Clients say a tenth of what they hear. */
const UP_BYTES = 0.1;

export async function startChaosProxy({
  target,
  seed,
  meanBytes = 4_096,
  upShare = 0.25,
  weights = DEFAULT_WEIGHTS,
}: ChaosOptions): Promise<ChaosProxy> {
  const random = createRandom(seed);
  const links = new Set<Link>();
  const struck: Record<Fault, number> = { cut: 0, "half-close": 0, stall: 0 };
  let isCalm = false;

  function drawFault(): Fault {
    const entries = Object.entries(weights) as [Fault, number][];
    let rest = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    return (entries.find(([, weight]) => (rest -= weight) < 0) ?? entries[0]!)[0];
  }

  /** Exponential: as likely to strike at this byte as at any other, however many have passed. */
  function drawFate(): Fate {
    const fault = drawFault();
    const direction = random() < upShare ? "up" : "down";
    const mean = direction === "down" ? meanBytes : meanBytes * UP_BYTES;
    return { fault, direction, afterBytes: Math.ceil(-Math.log(1 - random()) * mean) };
  }

  function reset(link: Link): void {
    link.client.resetAndDestroy();
    link.upstream.resetAndDestroy();
  }

  function strike(link: Link, { fault }: Fate, to: Socket): void {
    link.fate = undefined;
    struck[fault] += 1;
    if (fault === "cut") reset(link);
    else if (fault === "half-close") to.end();
    else link.isStalled = true;
  }

  function relay(link: Link, direction: Direction): void {
    const [from, to] = direction === "up" ? [link.client, link.upstream] : [link.upstream, link.client];
    let passed = 0;
    from.on("data", (chunk: Buffer) => {
      if (link.isStalled || !to.writable) return;
      const { fate } = link;
      const strikesNow = fate?.direction === direction && passed + chunk.length >= fate.afterBytes;
      const rest = strikesNow ? chunk.subarray(0, fate.afterBytes - passed) : chunk;
      passed += rest.length;
      if (!to.write(rest)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
      if (strikesNow) strike(link, fate, to);
    });
    from.on("end", () => {
      if (!link.isStalled) to.end();
    });
    from.on("error", () => undefined);
    from.on("close", () => {
      links.delete(link);
      to.destroy();
    });
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = createConnection({ host: "127.0.0.1", ...target, allowHalfOpen: true, noDelay: true });
    const link: Link = { client, upstream, fate: isCalm ? undefined : drawFate(), isStalled: false };
    links.add(link);
    relay(link, "up");
    relay(link, "down");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    struck,
    cutAll() {
      for (const link of links) reset(link);
    },
    calm() {
      isCalm = true;
      for (const link of links) {
        link.fate = undefined;
        if (link.isStalled) reset(link);
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const link of links) reset(link);
      await closed;
    },
  };
}
