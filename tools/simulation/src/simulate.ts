/** One run: the world of a seed, its users, what disturbs it, and at the end what must have become of everything. */
import { requestKey } from "@streamer/core";
import { createUsers } from "./askers/users.ts";
import { disturb } from "./disturb.ts";
import { DEPLOYMENTS, type CreateDeployment } from "./engines.ts";
import type { Deployment } from "./engine.ts";
import { createHandlers } from "./handlers.ts";
import { checkEnd, isOver } from "./invariants/end.ts";
import { createFairness } from "./invariants/fairness.ts";
import { createFindings, type Finding } from "./invariants/findings.ts";
import { createIdlenessWatch, isCalm } from "./invariants/idleness.ts";
import { createLedger } from "./invariants/ledger.ts";
import { createRunWatch } from "./invariants/runs.ts";
import { createNetwork } from "./network.ts";
import type { Plan } from "./plan.ts";
import { createWorld } from "./world.ts";

export interface Outcome {
  readonly plan: Plan;
  readonly finding: Finding | undefined;
  readonly steps: number;
  /** Virtual ms. */
  readonly lastedMs: number;
  /** Requests that were acknowledged. */
  readonly requests: number;
  readonly storyHash: number;
}

/** So long after the world has healed everything has ended, whatever it went through. */
const HEALING_MS = 2 * 3_600_000;
/** A retention of a minute, and the round that forgets. */
const FORGETTING_MS = 8 * 60_000;
/** Far more than any run takes: one that goes on for ever is a finding too. */
const MOST_STEPS = 200_000;

export async function simulate(
  plan: Plan,
  listen?: (line: string) => void,
  create: CreateDeployment | undefined = DEPLOYMENTS[plan.engine],
): Promise<Outcome> {
  let deployment: Deployment | undefined;
  const findings = createFindings(() => world.schedule.now);
  const { report } = findings;
  const contents = (): Deployment => deployment!;
  const ledger = createLedger({
    contents,
    plan,
    report,
    wallNow: () => world.clock.now(),
    isAlive: (key, attempt) => runs.isAlive(key, attempt),
    onClaimed: (request) => fairness.claimed(request),
  });
  const fairness = createFairness({ plan, report, wallNow: () => world.clock.now(), all: ledger.all });
  const world = createWorld({
    plan,
    listen,
    broken: report,
    onTouched: ledger.touched,
    handlersOf: (process) => createHandlers(plan, process, runs),
  });
  const { schedule } = world;
  const runs = createRunWatch({ contents, health: () => deployment?.running(), plan, report, tell: world.tell, now: () => schedule.now });
  if (!create) throw new Error(`There is no engine "${plan.engine}".`);
  deployment = create(world);
  const network = createNetwork(world, contents, ({ owner }, text) => {
    if (!text.startsWith('{"type":"acknowledgment"')) return;
    const { request_id: id, seq } = JSON.parse(text) as { request_id: string; seq: number };
    ledger.acknowledged(requestKey(owner, id), seq);
  });
  const users = createUsers({ world, network, deployment, report, read: ledger.read });

  let steps = 0;
  /** Until `isEnough`, or for so long; false when there is nothing left to happen. */
  const run = async (untilMs: number, isEnough: () => boolean, look: () => void = () => {}): Promise<void> => {
    while (!findings.first && !isEnough() && (schedule.next ?? Infinity) <= untilMs && steps < MOST_STEPS) {
      const living = world.living.length;
      schedule.step();
      steps += 1;
      await world.settle();
      fairness.look();
      if (world.living.length < living) {
        ledger.checkAll();
        fairness.forget();
      }
      look();
    }
  };

  try {
    deployment.start();
    await world.settle();
    users.begin();
    disturb(world, deployment, network);
    const wallNow = (): number => world.clock.now();
    const lookForIdleness = createIdlenessWatch({ contents, runs, plan, report, wallNow, now: () => schedule.now });
    await run(plan.activeMs, () => false, isCalm(plan) ? lookForIdleness : undefined);
    world.tell("world", "heals");
    world.faults.heal();
    users.rest();
    await run(plan.activeMs + HEALING_MS, () => isOver({ users, runs, ledger }), lookForIdleness);
    // Long enough for what is past its retention to be swept, files and all.
    if (plan.features.has("short-retention") && deployment.blobs().length > 0)
      await run(schedule.now + FORGETTING_MS, () => contents().blobs().length === 0);
    ledger.checkAll();
    checkEnd({ users, deployment, runs, ledger, report });
    if (!findings.first) {
      users.close();
      // A process may be paused still.
      await run(schedule.now + 90_000, () => false);
      for (const leak of deployment.leaks()) report("leak", `${leak}, and nobody is there any more`);
      if (network.openCount > 0) report("leak", `${network.openCount} links are open`);
    }
  } finally {
    deployment.dispose();
    await world.settle();
  }
  return {
    plan,
    finding: findings.first,
    steps,
    lastedMs: schedule.now,
    requests: ledger.acknowledgedKeys.size,
    storyHash: world.storyHash,
  };
}
