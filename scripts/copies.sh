#!/bin/bash
# What the usual ways of copying give of a data directory, closed and beside a writer: docs/backup.md has the
# table that this measures. Needs a built package; file systems are made in image files, as root, with
# mkfs.xfs and mkfs.btrfs where they are there (rsync too).
#
# Usage: scripts/copies.sh [DIRECTORY] [ROUNDS]
#
# A line a way: how many copies verify said to be clean, torn, corrupt or unreadable; how many opened to fewer
# entries than were durable before the copy began (lost); whether the copy's segments have holes.
set -u
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d "${1:-/tmp}/pinnacle-copies-XXXXXX")
rounds=${2:-10}
mounts=()
end() {
  [ -n "${writer:-}" ] && kill -9 "$writer" 2>/dev/null
  for mounted in "${mounts[@]}"; do umount "$mounted" 2>/dev/null; done
  rm -rf "$work"
}
trap end EXIT

cat >"$work/writer.mjs" <<END
import { PersistenceManager } from '$root/dist/index.js'
import { writeFileSync } from 'node:fs'
const [directory, forMs] = process.argv.slice(2)
const p = await PersistenceManager.open({
  dataDirectory: directory, segmentSize: '256KiB', compactionThreshold: 0, keepSnapshots: 1, snapshotIntervalMin: 0,
  spareSegments: 4, journalSyncIntervalMs: 5, instruments: [{ name: 'A', priceScale: 2, quantityScale: 0 }],
})
const book = p.book('A')
const until = Date.now() + Number(forMs)
for (let round = 0, id = p.appendedFrontier * 2; Date.now() < until; round++) {
  for (let i = 0; i < 4000; i++) { book.add(++id, 0, 100, 1); book.cancel(id) }
  await p.durable()
  writeFileSync(directory + '.durable', String(p.durableFrontier))
  if (round % 25 === 24) { await p.snapshot(); await p.compact({ force: true }) }
}
await p.close()
writeFileSync(directory + '.durable', String(p.durableFrontier))
END
cat >"$work/judge.mjs" <<END
import { inspect, verdictOf } from '$root/dist/index.js'
import { readdirSync, statSync } from 'node:fs'
const [copy, durable] = process.argv.slice(2)
let verdict = 'unreadable', lost = 0, holes = 0
try {
  const report = await inspect(copy)
  verdict = report.segments.length === 0 ? 'empty' : verdictOf(report)
  if (verdict === 'clean' || verdict === 'torn') lost = report.recovery.lastSequence < Number(durable) ? 1 : 0
  for (const name of readdirSync(copy + '/journal')) {
    if (!name.endsWith('.segment')) continue
    const { size, blocks } = statSync(copy + '/journal/' + name)
    if (blocks * 512 < size) holes = 1
  }
} catch (error) { verdict = error.code ?? 'unreadable' }
console.log(verdict, lost, holes)
END

# way NAME live|closed FILE-SYSTEM COMMAND: the command makes a copy of "$data" as "$copy".
way() {
  local name=$1 state=$2 data=$3 command=$4 copy=$3.copy lost=0 holes=0
  declare -A seen=()
  rm -rf "$copy"
  for ((i = 0; i < rounds; i++)); do
    case $name in *again*) ;; *) rm -rf "$copy" ;; esac
    local durable
    durable=$(cat "$data.durable")
    eval "$command" >/dev/null 2>"$work/error" || true
    read -r verdict l h < <(node "$work/judge.mjs" "$copy" "$durable")
    seen[$verdict]=$((${seen[$verdict]:-0} + 1))
    lost=$((lost + l)) holes=$((holes + h))
    sleep 0.0$((RANDOM % 9))
  done
  local text=
  for verdict in "${!seen[@]}"; do text+="${seen[$verdict]} $verdict, "; done
  printf '%-7s %-7s %-22s %s%s lost, %s with holes\n' "$(stat -f -c %T "$data")" "$state" "$name" "$text" "$lost" "$holes"
  rm -rf "$copy"
}

ways() {
  local state=$1 data=$2
  way 'cp -r' "$state" "$data" 'cp -r "$data" "$copy"'
  way 'cp --sparse=always' "$state" "$data" 'cp -r --sparse=always "$data" "$copy"'
  case $(stat -f -c %T "$data") in
    xfs | btrfs) way 'cp --reflink=always' "$state" "$data" 'cp -r --reflink=always "$data" "$copy"' ;;
  esac
  if command -v rsync >/dev/null; then
    way 'rsync -a' "$state" "$data" 'rsync -a "$data/" "$copy/"'
    way 'rsync -a again' "$state" "$data" 'rsync -a --delete "$data/" "$copy/"'
    way 'rsync -a -c again' "$state" "$data" 'rsync -a -c --delete "$data/" "$copy/"'
  fi
  way 'tar | tar' "$state" "$data" 'mkdir "$copy"; tar -C "$data" -cf - . | tar -C "$copy" -xf -'
  if [ "$(stat -f -c %T "$data")" = btrfs ]; then
    way 'btrfs snapshot' "$state" "$data" \
      'btrfs subvolume delete "$data.sub.copy"; btrfs subvolume snapshot -r "$mounted" "$mounted/snap"; cp -r "$mounted/snap/data" "$copy"; btrfs subvolume delete "$mounted/snap"'
  fi
  if [ "$(stat -f -c %T "$data")" = xfs ] || [ "$(stat -f -c %T "$data")" = ext2/ext3 ]; then
    # What a snapshot of the block device has: the image, taken while the file system is frozen.
    if [ -n "${mounted:-}" ]; then
      way 'frozen device' "$state" "$data" \
        'fsfreeze -f "$mounted"; cp --sparse=always "$mounted.img" "$work/frozen.img"; fsfreeze -u "$mounted"; mkdir -p "$work/at"; mount -o loop$nouuid "$work/frozen.img" "$work/at" && cp -r "$work/at/data" "$copy"; umount "$work/at"'
    fi
  fi
  way 'pinnacle backup' "$state" "$data" \
    'rm -rf "$data.b"; node dist/cli/main.js backup "$data" "$data.b" && node dist/cli/main.js restore "$data.b" "$copy"'
}

both() {
  local data=$1/data
  node "$work/writer.mjs" "$data" 3000
  ways closed "$data"
  node "$work/writer.mjs" "$data" 900000 &
  writer=$!
  sleep 1
  ways live "$data"
  kill -9 $writer
  wait $writer 2>/dev/null
  writer=
}

mounted= nouuid=
mkdir "$work/here"
both "$work/here"
if [ "$(id -u)" = 0 ]; then
  for kind in xfs btrfs; do
    command -v mkfs.$kind >/dev/null || continue
    mounted=$work/$kind nouuid=
    mkdir "$mounted"
    truncate -s 400M "$mounted.img"
    case $kind in xfs) options='-q -f' nouuid=,nouuid ;; btrfs) options='-q -f' ;; esac
    # shellcheck disable=SC2086
    mkfs.$kind $options "$mounted.img" >/dev/null 2>&1 && mount -o loop "$mounted.img" "$mounted" || continue
    mounts+=("$mounted")
    both "$mounted"
  done
fi
