/** What is measured: Streamer, what people use today for the same, and what the machine could do. */
import type { WireName } from "./driver/main.ts";
import type { HostSettings } from "./programs/parts.ts";
import type { ServiceName } from "./services.ts";

export type ScenarioName = "S1" | "S2" | "S3" | "S4" | "S6";

export interface Peer {
  readonly name: string;
  readonly title: string;
  readonly wire: WireName;
  /** What an acknowledgment promises. */
  readonly durability: string;
  readonly scenarios: readonly ScenarioName[];
  /** Absent: Streamer, which is started otherwise. */
  readonly made?: Pick<HostSettings, "front" | "queue" | "isCorked">;
  readonly service?: ServiceName;
  /** Packages whose versions are told. */
  readonly packages: readonly string[];
  /** Where it is at its best with others than it is told. Found by trying. */
  readonly tuned?: Readonly<Partial<Record<ScenarioName, Pick<HostSettings, "slots" | "isPipelined">>>>;
}

const bullmq: Omit<Peer, "name" | "title" | "wire" | "scenarios"> = {
  durability: "Redis has it; its log is synchronised once a second",
  service: "redis",
  packages: ["bullmq", "ioredis"],
  // Jobs that do nothing: faster so. Slower where they report.
  tuned: { S2: { slots: 50, isPipelined: true } },
};

export const PEERS: readonly Peer[] = [
  {
    name: "streamer",
    title: "Streamer, embedded",
    wire: "streamer",
    durability: "on disk: WAL, fsync, group commit",
    scenarios: ["S1", "S2", "S3", "S4", "S6"],
    packages: [],
  },
  {
    ...bullmq,
    name: "bullmq-sio",
    title: "BullMQ + Socket.IO",
    wire: "socket.io",
    scenarios: ["S1", "S2", "S3", "S4"],
    made: { front: "socket.io", queue: "bullmq" },
    packages: [...bullmq.packages, "socket.io"],
  },
  {
    ...bullmq,
    name: "bullmq-ws",
    title: "BullMQ + ws",
    wire: "json",
    scenarios: ["S1", "S2", "S3", "S4", "S6"],
    made: { front: "ws", queue: "bullmq" },
  },
  {
    name: "graphile-ws",
    title: "graphile-worker, batched, + ws",
    wire: "json",
    durability: "on disk: synchronous_commit, submissions of a moment in one statement",
    // Without jobs its front is that of bullmq-ws. It gives a dead worker's jobs to another after four hours.
    scenarios: ["S2", "S3"],
    made: { front: "ws", queue: "graphile" },
    service: "postgresql",
    packages: ["graphile-worker", "pg"],
    tuned: { S2: { slots: 200 } },
  },
  {
    name: "floor",
    title: "floor: ws + node:sqlite",
    wire: "json",
    durability: "on disk: WAL, fsync, group commit; nothing is recovered",
    scenarios: ["S1", "S2", "S3", "S4"],
    made: { front: "ws", queue: "floor", isCorked: true },
    packages: [],
  },
];
