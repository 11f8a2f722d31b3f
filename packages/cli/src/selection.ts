/** The user's requests that match, newest first, page after page, no further than asked. */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Client, RequestInfo } from "@streamer/client";
import type { RequestStatus } from "@streamer/protocol";
import { moment } from "./values.ts";

export interface Selection {
  readonly status?: RequestStatus;
  readonly action?: string;
  /** When they were made, in epoch ms. */
  readonly since?: number;
  readonly until?: number;
}

const STATUSES: readonly RequestStatus[] = ["PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED"];
const PAGE = 100;

export function addSelectionOptions(command: Command): Command {
  return command
    .addOption(new Option("--status <status>", "only those that are").choices(STATUSES).argParser(statusIn))
    .option("--action <action>", "only those of this action")
    .option("--since <when>", "only those made since: 30m, 2h, 7d ago, or a date or time", moment)
    .option("--until <when>", "only those made before", moment);
}

function statusIn(given: string): RequestStatus {
  const status = STATUSES.find((one) => one === given.toUpperCase());
  if (!status) throw new InvalidArgumentError(`Allowed choices are ${STATUSES.join(", ")}.`);
  return status;
}

export async function select(
  client: Client,
  { status, action, since = -Infinity, until = Infinity }: Selection,
  most: number,
): Promise<readonly RequestInfo[]> {
  const selected: RequestInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.list({
      limit: Math.min(PAGE, most),
      ...(status && { status }),
      ...(action !== undefined && { action }),
      ...(cursor !== undefined && { cursor }),
    });
    for (const request of page.items) {
      const createdAt = request.createdAt.getTime();
      // Newest first: what follows is older still.
      if (createdAt < since) return selected;
      if (createdAt < until) selected.push(request);
      if (selected.length === most) return selected;
    }
    ({ cursor } = page);
  } while (cursor !== undefined);
  return selected;
}
