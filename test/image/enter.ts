import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

/** How a program is run in a root of its own. */
export interface Entry {
  readonly root: string
  readonly directory: string
  /** The folder with Node, as the base image has it. */
  readonly node: string
  readonly command: readonly string[]
  /** While building: this machine's network, its /etc, and everything may be written. */
  readonly isBuilding: boolean
  /** Who runs it, by number; without any right beyond. */
  readonly user?: number
  /** A folder that can be written, where the image has its volume. */
  readonly data?: string
}

/**
 * What a container runtime does: mounts that end with the process, a root that cannot be written but for /tmp and the volume,
 * no network but the loopback, a user without capabilities. /usr is this machine's, in the place of the base image's.
 */
const SCRIPT = `
set -eu
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mount --bind /usr usr && mount -o remount,bind,ro usr
mount --bind "$NODE" opt/node && mount -o remount,bind,ro opt/node
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs tmp
if [ "$BUILDING" = true ]; then
  mount --bind /etc etc && mount -o remount,bind,ro etc
  mount --bind /root root && mount -o remount,bind,ro root
else
  [ -z "$DATA" ] || mount --bind "$DATA" data
  mount -o remount,bind,ro "$ROOT"
  ip link set lo up
fi
exec chroot "$ROOT" /usr/bin/env --chdir="$DIRECTORY" --unset=ROOT --unset=NODE --unset=BUILDING --unset=DATA --unset=DIRECTORY "$@"
`

/** Makes what a base image has: folders that are mounted over, and links as Debian has them. */
export function makeRoot(root: string): void {
  for (const folder of ['usr', 'opt/node', 'proc', 'dev', 'tmp', 'etc', 'root'])
    mkdirSync(join(root, folder), { recursive: true })
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) symlinkSync(`usr/${name}`, join(root, name))
}

/** Returns the program and its arguments, and the environment that it needs beside the image's. */
export function enter(entry: Entry) {
  const { root, directory, node, command, isBuilding, user, data = '' } = entry
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child=SIGKILL', ...(isBuilding ? [] : ['--net'])]
  const without = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']
  const become =
    user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...without]
  return {
    program: 'unshare',
    args: [...namespaces, 'sh', '-c', SCRIPT, 'sh', ...become, ...command],
    environment: {
      ROOT: root,
      NODE: node,
      BUILDING: String(isBuilding),
      DATA: data,
      DIRECTORY: directory,
      PATH: '/opt/node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    },
  }
}
