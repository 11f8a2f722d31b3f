/** Many connections that do nothing but follow, and messages to all of them. */
import { nowUs, passed } from "../../../clock.ts";
import { residentKib } from "../../machine.ts";
import { figuresOf, type Figures } from "../figures.ts";
import { createSamples } from "../samples.ts";
import type { Stand } from "../stand.ts";

export interface ConnectionsTerms {
  readonly connections: number;
  /** Opened, and closed again, so that what is allocated once is there. */
  readonly warmUp: number;
  readonly broadcasts: number;
  /** Before memory is looked at. */
  readonly settleMs: number;
}

const AT_ONCE = 256;
const BROADCAST_WITHIN_MS = 20_000;
const BETWEEN_MS = 200;

export async function connections(stand: Stand, holderPid: number, terms: ConnectionsTerms): Promise<Figures> {
  const { connections: count, warmUp, broadcasts, settleMs } = terms;
  await stand.connect(warmUp, { atOnce: AT_ONCE });
  stand.closeAll();
  await passed(settleMs);
  await stand.connect(1);
  stand.prepare();
  await passed(settleMs);
  const before = residentKib(holderPid);
  const opening = await stand.measure(() => stand.connect(count, { atOnce: AT_ONCE, follow: true }));
  await passed(settleMs);
  const after = residentKib(holderPid);

  const ages = createSamples();
  let arrived = 0;
  let all = Promise.withResolvers<void>();
  // Whoever made what is followed hears it, too.
  const listeners = stand.connections.length;
  stand.on({
    push(madeAtUs) {
      ages.add(nowUs() - madeAtUs);
      arrived += 1;
      if (arrived === listeners) all.resolve();
    },
  });
  const telling = await stand.measure(async () => {
    for (let n = 0; n < broadcasts; n += 1) {
      arrived = 0;
      all = Promise.withResolvers();
      stand.broadcast();
      await Promise.race([all.promise, passed(BROADCAST_WITHIN_MS)]);
      await passed(BETWEEN_MS);
    }
  });
  const messages = listeners * broadcasts;
  return {
    ...figuresOf(telling, messages),
    connectsPerSecond: count / (opening.wallMs / 1_000),
    connectCpuUs: figuresOf(opening, count)["peerCpuUs"]!,
    kibEach: (after - before) / count,
    broadcastP50Ms: ages.percentile(0.5) / 1_000,
    broadcastP99Ms: ages.percentile(0.99) / 1_000,
    missed: messages - ages.count,
  };
}
