/** The people of a run: tenants, their users, the devices of each, and what they do while the world lasts. */
import { someMs } from "../chance.ts";
import type { Deployment } from "../engine.ts";
import type { Report } from "../invariants/findings.ts";
import type { WitnessParts } from "../invariants/witness.ts";
import type { Identity, Network } from "../network.ts";
import type { SimulatedWorld } from "../world.ts";
import { createDevice, type Device } from "./device.ts";
import { createLibraryUser } from "./library.ts";
import { drawWish, type Wish } from "./wish.ts";

export interface Users {
  begin(): void;
  /** Nothing new is asked for any more. */
  rest(): void;
  readonly waitFor: readonly string[];
  close(): void;
}

export interface UsersParts {
  readonly world: SimulatedWorld;
  readonly network: Network;
  readonly deployment: Deployment;
  readonly report: Report;
  /** What the store said of a request at its last write. */
  readonly read: WitnessParts["read"];
}

export function createUsers(parts: UsersParts): Users {
  const { plan } = parts.world;
  const users = Array.from({ length: plan.tenants }, (_, tenant) =>
    Array.from({ length: plan.usersPerTenant }, (__, user) => createUser(parts, `t${tenant + 1}`, `u${user + 1}`)),
  ).flat();
  return {
    begin: () => users.forEach((user) => user.begin()),
    rest: () => users.forEach((user) => user.rest()),
    get waitFor() {
      return users.flatMap(({ waitFor }) => waitFor);
    },
    close: () => users.forEach((user) => user.close()),
  };
}

function createUser({ world, network, deployment, report, read }: UsersParts, tenantId: string, userId: string): Users {
  const { plan, schedule } = world;
  const who = `${tenantId}/${userId}`;
  const chance = world.chance(`user ${who}`);
  const haste = world.chance(`haste of ${who}`);
  const wishes = new Map<string, Wish>();
  const ids = new Set<string>();
  const mostLateMs = (["pauses", "wall-jumps", "slow-store", "slow-reads"] as const).some((feature) => plan.features.has(feature))
    ? Infinity
    : 50;
  const witness = { read, report, transport: deployment.transport, ids, mostLateMs };
  if (plan.features.has("real-clients") && chance.happens(0.5)) {
    const identity: Identity = { owner: { tenantId, userId }, permissions: [], device: `${who}#client` };
    return createLibraryUser({ world, network, identity, witness });
  }
  const deviceCount = plan.features.has("devices") ? 2 : 1;
  const devices: Device[] = [];
  let isResting = false;

  const connect = (at: number): Device => {
    const identity: Identity = { owner: { tenantId, userId }, permissions: [], device: `${who}#${at + 1}` };
    return createDevice({ world, network, identity, chance: world.chance(`device ${identity.device}`), witness, wishes });
  };

  function wantOne(count: number): void {
    if (isResting) return;
    // The same ids for everybody: those of others are not theirs.
    const wish = drawWish(world.chance(`wish ${who} ${count}`), plan, { who, id: `r${count}` });
    wishes.set(wish.id, wish);
    const first = chance.oneOf(devices);
    first.want(wish);
    // Two tabs ask for the same, and the first may be closed before it is done.
    const other = devices.find((device) => device !== first);
    if (!other || haste.happens(0.5)) return;
    schedule.after(someMs(haste, 1, 1_000), () => {
      if (wish.state === "over") return;
      first.release(wish.id);
      other.adopt(wish);
    });
  }

  function changeDevice(): void {
    if (wishes.size === 0 || devices.length < 2) return;
    const wish = chance.oneOf(Array.from(wishes.values()));
    const to = chance.oneOf(devices);
    world.tell(who, `goes on with ${wish.id} elsewhere`);
    for (const device of devices) if (device !== to) device.release(wish.id);
    to.adopt(wish);
  }

  function live(): void {
    if (isResting) return;
    if (chance.happens(0.2)) changeDevice();
    else chance.oneOf(devices).act();
    schedule.after(someMs(chance, 50, 5_000), live);
  }

  return {
    begin: () => {
      for (let at = 0; at < deviceCount; at += 1) devices.push(connect(at));
      const lastMs = plan.activeMs * 0.8;
      for (let count = 1; count <= plan.requestsPerUser; count += 1)
        schedule.after(chance.happens(0.3) ? 10 : chance() * lastMs, () => wantOne(count));
      schedule.after(someMs(chance, 50, 5_000), live);
    },
    rest: () => {
      isResting = true;
    },
    get waitFor() {
      return devices.flatMap(({ waitsFor }) => waitsFor);
    },
    close: () => devices.forEach((device) => device.close()),
  };
}
