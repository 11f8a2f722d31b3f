/**
 * A command as a container or a hardened service has it: the first of its processes, a user without any right, a root that
 * cannot be written, and one folder that can. Made of namespaces (util-linux), without a container engine.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
/** Anybody's number but root's; the user who runs the tests where that is not root. */
export const NOBODY = process.getuid!() === 0 ? 1_000 : process.getuid!();

export interface LockedDown {
  /** Seen as `/app`, and as the folder the command runs in. */
  readonly app: string;
  /** Seen as `/data`, and may be written. */
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether there is a `/tmp` to write to. */
  readonly tmp: boolean;
}

/** $1 the new root, $2 its writable folder, $3 the application, $4 "tmp" or "". */
const ENTER = `set -e
root=$1 data=$2 app=$3 tmp=$4; shift 4
mount --make-rprivate /
mount -t tmpfs none "$root"
for folder in /usr /bin /sbin /lib /lib64 /etc "${repository.replace(/\/$/, "")}"; do
  [ -e "$folder" ] || continue
  mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"
done
mkdir -p "$root/data" "$root/app" "$root/tmp" "$root/proc" "$root/dev"
mount --bind "$app" "$root/app"; mount --bind "$data" "$root/data"; mount -t proc proc "$root/proc"
for device in null zero random urandom; do : > "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
[ -z "$tmp" ] || { mount -t tmpfs none "$root/tmp"; chmod 1777 "$root/tmp"; }
mount -o remount,bind,ro "$root/app"
mkdir "$root/old"
cd "$root"
# Not chroot: in one nobody may make namespaces, as workers do.
pivot_root . old
umount -l /old
mount -o remount,ro /
cd /app
`;

/** The process is the one around the command, which is its only child. */
export function lockedDown(command: readonly string[], { app, data, env, tmp }: LockedDown): ChildProcess {
  const isRoot = process.getuid!() === 0;
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", ...(isRoot ? [] : ["--user", "--map-current-user", "--keep-caps"])];
  const user = isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const enter = `${ENTER}exec setpriv ${user.join(" ")} --no-new-privs --bounding-set=-all --inh-caps=-all env -i "$@"`;
  const root = join(data, "..", "root");
  const variables = Object.entries({ PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  return spawn("unshare", [...namespaces, "sh", "-c", enter, "sh", root, data, app, tmp ? "tmp" : "", ...variables, ...command]);
}
