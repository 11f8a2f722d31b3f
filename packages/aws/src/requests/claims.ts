/**
 * claim: takes what fits the free slots, by fair shares (shares.ts); each claim raises the attempt (P3). A claim by key was
 * contested by nobody and is charged to nobody. The index says what waits, a little late; the claim itself is a conditional write of the request, so whoever comes
 * second finds it taken and goes on to the next.
 */
import type { Claim, ClaimTerms, RequestKey, Requests } from "@streamer/core";
import type { JsonValue } from "@streamer/protocol";
import { ownerIn, shards, sortable } from "../dynamodb/keys.ts";
import { createTurns, needsTurns, type Charge } from "./shares.ts";
import { agendaOf, isWaiting, lineOf, readLine, type RequestRow, type Waiting } from "./rows.ts";
import type { Change, Store } from "../dynamodb/store.ts";

/** More than are wanted: others are after the same ones, and of everybody who waits one should be seen. */
const SPARE_CANDIDATES = 16;
/** Tenants that contend for one slot more, of those in front. */
const MAX_TENANTS = 16;
/** Looks at the index before a claim gives up on what others take first. */
const MAX_ROUNDS = 12;
/** Each look goes twice as far as the one before, up to 17,000 requests and more: limits may hold all that is in front. */
const MAX_DOUBLINGS = 10;

type Taken = { readonly outcome: "taken"; readonly row: RequestRow } | { readonly outcome: "gone" | "total" | "perTenant" };

interface LineItem {
  readonly pk: string;
  readonly line: string;
  readonly line_order: string;
}

export function createClaim(store: Store): Requests["claim"] {
  const { clock, limits, requests, values } = store;

  async function toClaim(row: RequestRow, now: number): Promise<Claim> {
    const [payload, metadata, checkpoint] = await Promise.all([
      values.read(row.payload),
      values.read(row.metadata),
      row.checkpoint === undefined ? undefined : values.read(row.checkpoint),
    ]);
    return {
      lease: { key: row.key, attempt: row.attempt },
      requestId: row.request_id,
      owner: { tenantId: row.tenant, userId: row.user },
      action: row.action,
      payload: JSON.parse(payload) as JsonValue,
      metadata: JSON.parse(metadata) as Claim["metadata"],
      permissions: row.permissions,
      maxAttempts: row.max_attempts,
      timeoutMs: row.timeout_ms,
      failures: row.failures,
      crashes: row.crashes,
      ...(checkpoint !== undefined && { checkpoint: JSON.parse(checkpoint) as JsonValue }),
      cancelRequested: row.cancel_requested === true,
      submittedAt: row.created_at,
      queueMs: Math.max(0, now - row.run_at),
    };
  }

  async function take(key: string, terms: ClaimTerms, actions: readonly string[], charge?: () => Charge): Promise<Taken> {
    const now = Math.round(clock.now());
    let before: RequestRow | undefined;
    let slots: readonly string[] = [];
    const taken = await store.change<Taken>(key as RequestKey, async (row): Promise<Change<Taken>> => {
      if (!row || !isWaiting(row) || row.run_at > now || !actions.includes(row.action)) return { answer: { outcome: "gone" } };
      const attempt = row.attempt + 1;
      const got = await limits.takeSlots({ ...row, attempt }, terms.concurrency[row.action]);
      if ("busy" in got) return { answer: { outcome: got.busy } };
      slots = got.taken;
      before = row;
      const { counted: _c, waiting_for: _w, ...rest } = row;
      const leaseUntil = now + terms.leaseMs;
      const next: RequestRow = {
        ...rest,
        status: "PROCESSING",
        attempt,
        process: store.processId(),
        lease_until: leaseUntil,
        watch_at: leaseUntil,
        ...(slots.length > 0 && { slots }),
      };
      return { next, answer: { outcome: "taken", row: next } };
    });
    if (taken.outcome === "taken") await limits.leave(before!, charge?.());
    else if (slots.length > 0) await freeUnlessTaken({ pk: before!.pk, attempt: before!.attempt + 1 }, slots);
    return taken;
  }

  /** Another process was first: then the set holds the attempt for it, and it frees it. */
  async function freeUnlessTaken(run: { readonly pk: string; readonly attempt: number }, slots: readonly string[]): Promise<void> {
    const row = await requests.get<Pick<RequestRow, "status" | "attempt">>({ pk: run.pk }, ["status", "attempt"]);
    if (row?.status !== "PROCESSING" || row.attempt !== run.attempt) await limits.freeSlots(run, slots);
  }

  async function isAnyDue(): Promise<boolean> {
    const due = await Promise.all(
      shards.map((shard) =>
        requests.query({
          index: "by_time",
          where: "agenda = :agenda AND agenda_at <= :now",
          values: { ":agenda": agendaOf("wait", shard), ":now": Math.round(clock.now()) },
          limit: 1,
        }),
      ),
    );
    return due.some(({ length }) => length > 0);
  }

  async function candidates(actions: readonly string[], limit: number): Promise<readonly Waiting[]> {
    const due = sortable(clock.now() + 1);
    const firstOf = async (kind: "ready" | "later", action: string): Promise<readonly LineItem[]> => {
      const isLater = kind === "later";
      const pages = await Promise.all(
        shards.map((shard) =>
          requests.query<LineItem>({
            index: "by_action",
            where: isLater ? "line = :line AND line_order < :due" : "line = :line",
            values: { ":line": lineOf(kind, action, shard), ...(isLater && { ":due": due }) },
            limit,
          }),
        ),
      );
      return pages.flat().toSorted((a, b) => (a.line_order < b.line_order ? -1 : 1));
    };
    const found = await Promise.all(actions.flatMap((action) => [firstOf("ready", action), firstOf("later", action)]));
    return found.flat().map(({ pk, line, line_order: order }) => readLine(pk, line, order));
  }

  /** By the tenants' hashes. */
  async function weigh(page: readonly Waiting[], weightOf: (tenant: string) => number): Promise<ReadonlyMap<string, number>> {
    const weights = page.map(async ({ pk, tenant }) => {
      const name = ownerIn(pk)?.tenantId ?? (await requests.get<RequestRow>({ pk }))?.tenant;
      return [tenant, name === undefined ? 1 : weightOf(name)] as const;
    });
    return new Map(await Promise.all(weights));
  }

  /** The contest of those in front: whose turn it is costs a read for each tenant. */
  async function turnsOf(
    waiting: readonly Waiting[],
    free: number,
    weightOf: ClaimTerms["weightOf"],
  ): Promise<ReturnType<typeof createTurns>> {
    const tenants = new Map<string, Waiting>();
    for (const request of waiting.toSorted((a, b) => a.tag - b.tag)) {
      if (tenants.size < free + MAX_TENANTS && !tenants.has(request.tenant)) tenants.set(request.tenant, request);
    }
    const page = waiting.filter(({ tenant }) => tenants.has(tenant));
    if (!needsTurns(page)) return createTurns(page, [], new Map(), () => 1);
    const [turns, weights] = await Promise.all([limits.turns(new Set(tenants.keys())), weightOf && weigh([...tenants.values()], weightOf)]);
    return createTurns(page, turns.counters, turns.tenants, ({ tenant }) => weights?.get(tenant) ?? 1);
  }

  /** A tenant or action at its limit never hides those behind it: what was refused is passed over, and looked past. */
  async function fillLane({ actions, free }: ClaimTerms["lanes"][number], terms: ClaimTerms): Promise<readonly Claim[]> {
    const claims: Claim[] = [];
    const seen = new Set<string>();
    const busy = new Set<string>();
    let looked = 0;
    for (let round = 0; round < MAX_ROUNDS && claims.length < free; round += 1) {
      const page = await candidates(actions, (free + SPARE_CANDIDATES) * 2 ** Math.min(round, MAX_DOUBLINGS));
      const waiting = page.filter(({ pk, action, tenant }) => !seen.has(pk) && !busy.has(action) && !busy.has(`${action}/${tenant}`));
      if (waiting.length === 0 && page.length === looked) break;
      looked = page.length;
      if (waiting.length === 0) continue;
      const turns = await turnsOf(waiting, free, terms.weightOf);
      for (const request of turns.order) {
        if (claims.length >= free) break;
        const { pk, action, tenant } = request;
        seen.add(pk);
        if (busy.has(action) || busy.has(`${action}/${tenant}`)) continue;
        const taken = await take(pk, terms, actions, () => turns.charge(request));
        if (taken.outcome === "taken") claims.push(await toClaim(taken.row, Math.round(clock.now())));
        if (taken.outcome === "total") busy.add(action);
        if (taken.outcome === "perTenant") busy.add(`${action}/${tenant}`);
      }
    }
    return claims;
  }

  return async (terms) => {
    const lanes = terms.lanes.filter(({ free, actions }) => free > 0 && actions.length > 0);
    if (lanes.length === 0) return [];
    if (terms.key !== undefined) {
      const wanted = lanes.flatMap(({ actions }) => actions);
      const taken = await take(terms.key, terms, wanted);
      return taken.outcome === "taken" ? [await toClaim(taken.row, Math.round(clock.now()))] : [];
    }
    // Most calls come after a run and find nothing: a query for each shard tells, where the lines would take one for each action.
    if (!(await isAnyDue())) return [];
    const claims: Claim[] = [];
    for (const lane of lanes) claims.push(...(await fillLane(lane, terms)));
    return claims;
  };
}
