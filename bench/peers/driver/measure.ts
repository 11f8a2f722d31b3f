/** What everything took while something was done: time, CPU of the peer and of others, and what went over the wire. */
import { nowUs } from "../../clock.ts";
import { cpuMs, machineMs } from "../machine.ts";
import type { Connection, Traffic } from "./connection.ts";

export interface Taken {
  readonly wallMs: number;
  /** Of the server, its worker and its store. */
  readonly peerCpuMs: number;
  /** Of one core. */
  readonly driverPercent: number;
  /** Of one core: what neither the peer nor the driver used, what the host took included. */
  readonly othersPercent: number;
  readonly wire: Traffic;
}

const wireOf = (connections: Iterable<Connection>): Traffic => {
  let [messages, bytes] = [0, 0];
  for (const { traffic } of connections) {
    messages += traffic.messages;
    bytes += traffic.bytes;
  }
  return { messages, bytes };
};

export async function measure(peerPids: readonly number[], connections: Iterable<Connection>, act: () => Promise<void>): Promise<Taken> {
  const look = () => ({ wire: wireOf(connections), peer: cpuMs(peerPids), driver: cpuMs([process.pid]), machine: machineMs() });
  const before = look();
  const from = nowUs();
  await act();
  const wallMs = (nowUs() - from) / 1_000;
  const after = look();
  const peerCpuMs = after.peer - before.peer;
  const driverMs = after.driver - before.driver;
  const othersMs = Math.max(0, after.machine - before.machine - peerCpuMs - driverMs);
  return {
    wallMs,
    peerCpuMs,
    driverPercent: (100 * driverMs) / wallMs,
    othersPercent: (100 * othersMs) / wallMs,
    wire: { messages: after.wire.messages - before.wire.messages, bytes: after.wire.bytes - before.wire.bytes },
  };
}
