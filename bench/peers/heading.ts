/** What a table was measured with: everything that a reader needs to measure it again. */
import { release, totalmem } from "node:os";
import { surroundings, type Bench } from "../record.ts";
import { packageVersion } from "./needs.ts";
import type { Asked } from "./options.ts";
import type { Peer } from "./peers.ts";
import { SERVICES } from "./services.ts";

export interface Heading {
  readonly lines: readonly string[];
  readonly surroundings: Bench & { readonly reps: number; readonly boosted: boolean };
}

export function headingOf({ peers, reps, isBoosted }: Asked): Heading {
  const around = surroundings();
  const { commit, uncommitted_changes, date, node, cpu, cores, load_average, fsync_p50_ms } = around;
  return {
    lines: [
      `${date}, commit ${commit}${uncommitted_changes ? " with changes" : ""}, built as published; ${cores} × ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${node}`,
      `medians of ${reps}${isBoosted ? ", boosted" : ""}; an fsync takes ${fsync_p50_ms} ms, load before ${load_average}`,
      "",
      ...peers.map(describe),
    ],
    surroundings: { ...around, reps, boosted: isBoosted },
  };
}

function describe({ name, title, service, packages, durability, tuned }: Peer): string {
  const versions = [
    ...packages.map((id) => `${id} ${packageVersion(id)}`),
    ...(service ? [`${SERVICES[service].package} ${SERVICES[service].version()}`] : []),
  ];
  const settings = Object.entries(tuned ?? {}).map(([scenario, own]) => `${scenario}: ${JSON.stringify(own)}`);
  return `- \`${name}\`, ${[title, ...versions].join(", ")}. Acknowledged means: ${durability}${settings.length > 0 ? `. Set for ${settings.join(", ")}` : ""}`;
}
