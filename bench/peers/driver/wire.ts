/** A wire protocol, as the driver speaks it. Numbers name requests; they are the driver's own, and unique in a scenario. */
import type { JobData, JobKind } from "../programs/jobs.ts";
import type { Connection } from "./connection.ts";

export interface Heard {
  echo(id: number, connection: Connection): void;
  acknowledged(id: number, connection: Connection): void;
  /** One call for each update, however many one message carries. */
  progress(id: number, percentage: number, madeAtUs: number): void;
  result(id: number, connection: Connection): void;
  /** A message to everybody. */
  push(madeAtUs: number): void;
  /** What nobody planned for. */
  failed(what: string): void;
}

export interface Wire {
  /** Of the n-th connection. */
  path(n: number): string;
  /** The upgrade is done: `connection.ready()` is to be called once requests may go. */
  open(connection: Connection): void;
  echo(connection: Connection, id: number, text: string): void;
  submit(connection: Connection, id: number, kind: JobKind, data: JobData): void;
  /** Makes a request that stays open, for others to follow. Absent: whoever is connected is told. */
  prepare?(connection: Connection): void;
  /** Asks for what is pushed. */
  follow?(connection: Connection): void;
  broadcast(connection: Connection): void;
  /** Asks again, on a new connection, for what becomes of these. Absent: connections outlive what is killed. */
  resume?(connection: Connection, ids: readonly number[]): void;
  hear(text: string, connection: Connection, heard: Heard): void;
}
