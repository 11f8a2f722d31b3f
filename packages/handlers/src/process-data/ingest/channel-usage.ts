/**
 * What users and tenants have in channels, counted on from what there was: looking at all of it for each append would cost
 * more than the append. It is looked at anew when it is old, and before anybody is refused by it, because channels go when
 * other processes have read them. Where several processes take appends in, each counts its own in between: for as long
 * all of them together may take more.
 */
import type { Owner } from "@streamer/core";
import type { Admit, ChannelLimits, Channels, OverQuota, Usage } from "./channel.ts";
import { userName } from "./channel-names.ts";

const OLD_AFTER_MS = 60_000;
/** Whoever is refused again and again has all of it looked at no more often than so. */
const REFUSE_AFTER_MS = 1_000;
/** Tenants that are remembered. */
const MAX_TENANTS = 10_000;

interface Looked {
  readonly atMs: number;
  readonly users: Map<string, Usage>;
}

export function createAdmission(channels: Channels, limits: ChannelLimits): Admit {
  const tenants = new Map<string, Promise<Looked>>();

  const lookAt = (tenantId: string, noOlderThanMs: number): Promise<Looked> => {
    const known = tenants.get(tenantId);
    const looked = (known ?? Promise.reject(new Error("not looked at yet"))).then(
      (found) => (performance.now() - found.atMs > noOlderThanMs ? look(tenantId) : found),
      () => look(tenantId),
    );
    tenants.delete(tenantId);
    tenants.set(tenantId, looked);
    const [oldest] = tenants.keys();
    if (tenants.size > MAX_TENANTS) tenants.delete(oldest!);
    return looked;
  };
  const look = async (tenantId: string): Promise<Looked> => ({
    users: new Map(await channels.usage(tenantId)),
    atMs: performance.now(),
  });

  const over = ({ users }: Looked, owner: Owner, more: Usage): OverQuota | undefined => {
    const own = users.get(userName(owner)) ?? { channels: 0, bytes: 0 };
    const all = [...users.values()].reduce((sum, one) => added(sum, one), { channels: 0, bytes: 0 });
    const refusal = (of: OverQuota["of"], what: OverQuota["what"], most: number): OverQuota => ({ outcome: "over_quota", of, what, most });
    if (more.channels > 0 && own.channels >= limits.maxChannelsPerUser) return refusal("user", "channels", limits.maxChannelsPerUser);
    if (more.channels > 0 && all.channels >= limits.maxChannelsPerTenant) return refusal("tenant", "channels", limits.maxChannelsPerTenant);
    if (own.bytes + more.bytes > limits.maxBytesPerUser) return refusal("user", "bytes", limits.maxBytesPerUser);
    if (all.bytes + more.bytes > limits.maxBytesPerTenant) return refusal("tenant", "bytes", limits.maxBytesPerTenant);
    return undefined;
  };

  return async (owner, more) => {
    let looked = await lookAt(owner.tenantId, OLD_AFTER_MS);
    let refusal = over(looked, owner, more);
    if (refusal) {
      looked = await lookAt(owner.tenantId, REFUSE_AFTER_MS);
      refusal = over(looked, owner, more);
    }
    if (refusal) return refusal;
    const user = userName(owner);
    looked.users.set(user, added(looked.users.get(user) ?? { channels: 0, bytes: 0 }, more));
    return undefined;
  };
}

const added = (one: Usage, other: Usage): Usage => ({ channels: one.channels + other.channels, bytes: one.bytes + other.bytes });
