/** Sync requests that are answered with what they bring: each connection keeps so many in flight. */
import { nowUs, passed } from "../../../clock.ts";
import { createSamples } from "../samples.ts";
import type { Connection } from "../connection.ts";
import type { Stand } from "../stand.ts";
import { figuresOf, type Figures } from "../figures.ts";

export interface EchoTerms {
  readonly connections: number;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

const TEXT = "x".repeat(64);

export async function echo(stand: Stand, { connections, inFlight, warmUpMs, measureMs }: EchoTerms): Promise<Figures> {
  await stand.connect(connections);
  const sentAt = new Float64Array(connections * inFlight);
  let times = createSamples();
  let isSending = true;
  const send = (slot: number, connection: Connection): void => {
    sentAt[slot] = nowUs();
    stand.echo(connection, slot, TEXT);
  };
  stand.on({
    echo(slot, connection) {
      times.add(nowUs() - sentAt[slot]!);
      if (isSending) send(slot, connection);
    },
  });
  for (const [n, connection] of stand.connections.entries())
    for (let slot = n * inFlight; slot < (n + 1) * inFlight; slot += 1) send(slot, connection);
  await passed(warmUpMs);
  times = createSamples();
  let answered = 0;
  const taken = await stand.measure(async () => {
    await passed(measureMs);
    answered = times.count;
  });
  isSending = false;
  return {
    ...figuresOf(taken, answered),
    perSecond: answered / (taken.wallMs / 1_000),
    p50Ms: times.percentile(0.5) / 1_000,
    p99Ms: times.percentile(0.99) / 1_000,
  };
}
