/**
 * A TCP proxy before one client, which lets exactly so many bytes of its first connection pass in one direction and then
 * cuts it: by a reset, or by an orderly end of both sides. Every later connection passes.
 */
import { once } from "node:events";
import { createServer, connect as connectTcp, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export const DIRECTIONS = ["up", "down"] as const;
type Direction = (typeof DIRECTIONS)[number];
export const WAYS = ["reset", "end"] as const;

export interface Cut {
  readonly direction: Direction;
  readonly afterBytes: number;
  readonly way: (typeof WAYS)[number];
}

export interface ByteCut extends AsyncDisposable {
  readonly url: string;
  /** The server's own name: a client behind the proxy says it in its handshake. */
  readonly host: string;
  /** Bytes of the first connection that passed. */
  readonly passed: Readonly<Record<Direction, number>>;
  readonly hasStruck: boolean;
}

export async function startByteCut(target: string, cut?: Cut): Promise<ByteCut> {
  const { protocol, hostname, port, host, pathname, search } = new URL(target);
  const isTls = protocol === "wss:";
  const passed: Record<Direction, number> = { up: 0, down: 0 };
  const sockets = new Set<Socket>();
  let hasStruck = false;
  let isFirst = true;

  const dial = (): Socket =>
    isTls
      ? connectTls({ host: hostname, port: Number(port || 443), servername: hostname })
      : connectTcp({ host: hostname, port: Number(port || 80), noDelay: true });

  function strike(way: Cut["way"], pair: readonly Socket[]): void {
    hasStruck = true;
    for (const socket of pair) {
      if (way === "reset") socket.resetAndDestroy();
      else socket.end();
    }
  }

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = dial();
    const pair = [client, upstream];
    const counts = isFirst;
    isFirst = false;
    const relay = (from: Socket, to: Socket, direction: Direction): void => {
      sockets.add(from);
      from.on("data", (chunk: Buffer) => {
        if (!to.writable) return;
        const room = counts && !hasStruck && cut?.direction === direction ? cut.afterBytes - passed[direction] : Infinity;
        const rest = chunk.subarray(0, Math.min(chunk.length, room));
        if (counts) passed[direction] += rest.length;
        if (!to.write(rest)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
        if (chunk.length >= room) strike(cut!.way, pair);
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroySoon();
      });
    };
    relay(client, upstream, "up");
    relay(upstream, client, "down");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}${search}`,
    host,
    passed,
    get hasStruck() {
      return hasStruck;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
